"""Files with settings (`--config`): looked at before a parser sees them."""

from __future__ import annotations

import os
from pathlib import Path

from latentia.errors import ConfigError
from latentia.guard import in_words, open_plain, shown

MOST_BYTES = 1 << 20
_DEEPEST = 20


def check_settings(path: Path, flag: str = "--config") -> None:
    """Refuse a file that is no mapping of plain settings: pipes, large files, deep nesting, and aliases, which may unfold without end.

    Raises:
        ConfigError: says what is wrong with it.
    """
    import yaml

    where = f"{flag} {shown(path)}"
    try:
        with open_plain(path.expanduser()) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MOST_BYTES:
                raise ConfigError(
                    f"{where} holds {in_words(size)}; settings are at most {in_words(MOST_BYTES)}"
                )
            text = file.read().decode("utf-8")
        depth = 0
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise ConfigError(f"{where} holds an alias (*{shown(event.anchor)}); write the value out")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise ConfigError(f"{where} is nested deeper than {_DEEPEST}; settings are name: value")
        held = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}") from None
    except (ValueError, RuntimeError, yaml.YAMLError) as error:
        raise ConfigError(f"{where} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(held, dict):
        raise ConfigError(
            f"{where} holds no settings; expected lines of name: value, as --print_config writes them"
        )
