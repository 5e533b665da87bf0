"""What all estimators share: the scikit-learn face, forms of data, and the run folders in which they are kept."""
