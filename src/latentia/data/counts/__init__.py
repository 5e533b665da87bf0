"""Tables of counts of samples and taxa: the files that microbiome programs write, their metadata and taxonomies."""
