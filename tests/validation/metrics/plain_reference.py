"""The metrics once more, in plain Python with exact fractions, written from the definitions and sharing nothing with the code under test."""

from fractions import Fraction

RATES = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), 1, 2, 4, 8)


def marks(truths, detections, finding, iou):
    """Return [(score, film, hit)] of one finding by the greedy rule; films in which nobody looked are left out."""
    found = []
    for film, boxes in truths.items():
        if finding in boxes:
            found += [(score, film, hit) for score, hit in _of_film(boxes[finding], detections[film].get(finding, ()), iou)]
    return found


def _of_film(truth, rows, iou):
    free, found = list(range(len(truth))), []
    for row in sorted(rows, key=lambda row: -row[4])[:100]:
        overlaps = [(overlap(row, truth[index]), index) for index in free]
        best = max((pair for pair in overlaps if pair[0] >= iou), default=None)
        if best is not None:
            free.remove(best[1])
        found.append((float(row[4]), best is not None))
    return found


def overlap(first, second):
    """Return the intersection over union as an exact fraction."""
    a, b = ([Fraction(float(edge)) for edge in box[:4]] for box in (first, second))
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, Fraction(0)) * max(height, Fraction(0))
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def looked_at(truths, finding):
    """Return the films in which somebody looked for the finding."""
    return [film for film, boxes in truths.items() if finding in boxes]


def truth_count(truths, finding):
    """Return its truth boxes."""
    return sum(len(boxes.get(finding, ())) for boxes in truths.values())


def best_sensitivity(found, boxes, films, rate):
    """Return the largest sensitivity of a threshold with at most ``rate`` false marks a film; keeping nothing is a threshold, too."""
    best = Fraction(0)
    for threshold in {score for score, _, _ in found}:
        kept = [hit for score, _, hit in found if score >= threshold]
        if Fraction(kept.count(False), films) <= rate:
            best = max(best, Fraction(kept.count(True), boxes))
    return best
