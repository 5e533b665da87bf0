import pytest

from latentia.benchmarks.layout import COLUMNS, OF_LEVELS, lines, published_rows
from latentia.benchmarks.protocol import DEFAULT, PYTHAE, REPORT, SETTINGS, options_of, published, rows
from latentia.benchmarks.table1 import Table
from latentia.diagnostics.bits import LEVELS_NOTE
from latentia.errors import ConfigError
from latentia.kinds.vae.catalog import CATALOG


def test_groups_stand_for_their_models_once_and_in_order():
    names = [row.name for row in rows(["report", "beta-vae", "default", "pythae"], ["mnist"])]
    assert names == [*REPORT, DEFAULT, *PYTHAE]
    everything = [row.name for row in rows(["all"], ["mnist"])]
    assert set(everything) == {DEFAULT, *REPORT, *PYTHAE, *CATALOG}
    assert len(everything) == len(set(everything))


def test_every_data_set_has_every_model():
    made = rows(["default", "sigma-vae"], ["mnist", "cifar10"])
    assert [(row.data, row.name) for row in made] == [
        ("mnist", "default"), ("mnist", "sigma-vae"), ("cifar10", "default"), ("cifar10", "sigma-vae"),
    ]  # fmt: skip
    assert len({row.key for row in made}) == 4


def test_an_unknown_model_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match=r"--models betavae: .* beta-vae"):
        rows(["betavae"], ["mnist"])


def test_the_protocol_of_the_report():
    assert [setting.latent_dim for setting in SETTINGS.values()] == [5, 10, 100, 100, 150]
    assert [setting.epochs for setting in SETTINGS.values()] == [40, 40, 40, 40, 20]
    assert [setting.beta for setting in SETTINGS.values()] == [4, 4, 3, 3, 4]
    assert [setting.ratio for setting in SETTINGS.values()] == [3, 3, 5, 5, 5]
    assert [s.aggressive_epochs(s.epochs) for s in SETTINGS.values()] == [5, 5, 20, 20, 10]
    assert SETTINGS["mnist"].aggressive_epochs(2) == 2


def test_report_rows_take_the_variance_of_the_data_and_the_reports_options():
    def options(data, name):
        return options_of(*((row := rows([name], [data])[0]), row.setting.epochs))

    for name in REPORT:
        assert options("mnist", name)["likelihood"] == "gaussian-data"
    assert options("mnist", "beta-vae")["objective_options"] == {"beta": 4.0}
    assert options("cifar10", "beta-vae")["objective_options"] == {"beta": 3.0}
    assert options("mnist", "info-vae")["objective_options"] == {"alpha": 1.0, "lambda_": 500.0}
    assert options("mnist", "lagging-vae")["schedule_options"] == {"ratio": 3, "epochs": 5}
    assert options("cifar10", "reslag-vae")["schedule_options"] == {"ratio": 5, "epochs": 20}
    assert "likelihood" not in options("mnist", "sigma-vae")


def test_rows_of_this_librarys_own_settings_keep_model_and_variance_of_the_report():
    made = rows(["own", "beta-vae@default", "sigma-vae@default"], ["mnist"])
    assert [row.name for row in made] == [
        "data-variance-vae@default", "reslag-vae@default", "beta-vae@default", "sigma-vae@default",
    ]  # fmt: skip
    assert {row.group for row in made} == {"own"}
    assert all(row.own_length for row in made)
    options = [options_of(row, 40) for row in made]
    assert options[0] == {"model": "data-variance-vae", "latent_dim": 5, "likelihood": "gaussian-data"}
    assert options[2]["objective_options"] == {"beta": 4.0}
    assert options[3] == {"model": "sigma-vae", "latent_dim": 5}
    (beside,) = rows(["data-variance-vae"], ["mnist"])
    assert beside.key != made[0].key
    assert not beside.own_length
    with pytest.raises(ConfigError, match="--models pythae-vae@default: no model"):
        rows(["pythae-vae@default"], ["mnist"])


def test_models_that_are_their_network_keep_it():
    networks = {row.name: options_of(row, 1)["network"] for row in rows(["report", "sigma-vae"], ["mnist"])}
    assert {name for name, network in networks.items() if network == "auto"} == {
        "reslag-vae",
        "reslag-vae-light",
    }


def test_published_totals_follow_from_published_errors_and_rates():
    # Total = (D/2) ln s2 + Rec/(2 s2) + KL, s2 the variance of the pixels; the report's own differ by up to 6.3 nats.
    from math import log

    pixels = {"mnist": 784, "fashion-mnist": 784, "cifar10": 3072}
    variance = {"mnist": 0.0949, "fashion-mnist": 0.1246, "cifar10": 0.0633}
    checked = 0
    for row in published()["rows"]:
        if row["total"] is not None:
            s2, size = variance[row["data"]], pixels[row["data"]]
            total = size / 2 * log(s2) + row["rec"] / (2 * s2) + row["kl"]
            assert total == pytest.approx(row["total"], rel=6e-3), row
            checked += 1
    assert checked == 7
    bounds = {row["model"]: row["bound"] for row in published_rows("mnist", 784)}
    assert bounds["sigma-VAE"] == pytest.approx(-1101.75, abs=0.01)
    assert bounds["MMD-VAE"] is None


def test_bits_of_probabilities_stand_apart_from_those_of_densities(tmp_path):
    def row(name, bits, note):
        figures = {"rec": 1.0, "bits_per_dim": bits, "bits_per_dim_note": note}
        return {"name": name, "data": "mnist", "group": "all", "event_shape": [1, 28, 28], "figures": figures}

    made = [row("a", 7.2, "density"), row("b", 7.1, "density"), row("pixel-vae", 1.2, LEVELS_NOTE)]
    made[2]["figures"]["bits_per_dim_alphabet"] = "256 levels"
    bits, of_levels = (
        [column.name for column in COLUMNS].index(name) for name in ("bits_per_dim", OF_LEVELS)
    )
    found = lines(Table(tmp_path, made, {}), "mnist")[:3]
    assert [line.cells[bits] for line in found] == ["7.200", "7.100", ""]
    assert [line.cells[of_levels] for line in found] == ["", "", "1.200 (256 levels)"]
    assert [line.best[bits] for line in found] == [False, True, False]
    assert not any(line.best[of_levels] for line in found)
