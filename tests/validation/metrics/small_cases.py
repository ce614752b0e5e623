"""Random cases on a small integer grid, so that overlaps, scores and thresholds tie often; for the tests and the study of agreement."""

import numpy as np


def boxes(generator, count):
    """Return up to ``count`` distinct boxes."""
    corner = generator.integers(0, 24, size=(count, 2))
    size = generator.integers(1, 24, size=(count, 2))
    return np.unique(np.hstack([corner, corner + size]), axis=0).astype(float)


def detections(generator, truth, counts=(0, 1, 3, 12, 130)):
    """Return rows with scores of one decimal: noise, and mostly some boxes near the truth."""
    noise = boxes(generator, generator.choice(counts, p=[0.2, 0.2, 0.3, 0.2, 0.1]))
    near = truth + generator.integers(-2, 3, size=truth.shape) if generator.random() < 0.8 else truth[:0]
    near = near[(near[:, 2] > near[:, 0]) & (near[:, 3] > near[:, 1])]
    found = np.unique(np.vstack([noise, near]), axis=0)
    generator.shuffle(found)
    return np.hstack([found, generator.integers(0, 11, size=(len(found), 1)) / 10])


def case(seed, findings, most_films=6, counts=(0, 1, 3, 12, 130), *, whole=True):
    """Return truths and detections of a few films; boxes off the grid with ``whole=False``."""
    generator = np.random.default_rng(seed)
    truths, found = {}, {}
    for film in range(generator.integers(1, most_films + 1)):
        truths[f"f{film}"] = {name: boxes(generator, generator.integers(0, 5)) for name in findings}
        found[f"f{film}"] = {name: detections(generator, truths[f"f{film}"][name], counts) for name in findings}
    return (truths, found) if whole else (_moved(generator, truths), _moved(generator, found))


def _moved(generator, films):
    """Move every edge by less than half of the smallest distance on the grid, so that boxes stay boxes; scores stay."""
    return {
        film: {
            name: np.hstack([rows[:, :4] + generator.uniform(-0.4, 0.4, rows[:, :4].shape), rows[:, 4:]])
            for name, rows in found.items()
        }
        for film, found in films.items()
    }
