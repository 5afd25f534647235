"""A character n-gram SVM on the division that recipes/language_identification.yaml is measured on."""

from __future__ import annotations

import json

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from perceivers.arguments import DataArguments
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_classification.task import TextClassification


def main() -> None:
    """Print the share of test messages whose language is told right."""
    task = TextClassification(TextClassificationArguments(max_length=1024))
    splits = task.load_data(DataArguments(data="django-messages", group_column="message"))

    def read(samples):
        found = [samples[index] for index in range(len(samples))]
        return [sample.texts[0].decode() for sample in found], [sample.target for sample in found]

    features = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True, lowercase=False)
    model = make_pipeline(features, LinearSVC(C=1.0)).fit(*read(splits.train))
    print(json.dumps({"character n-gram SVM, accuracy": model.score(*read(splits.test))}))


if __name__ == "__main__":
    main()
