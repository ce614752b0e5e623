"""An E-Da folder in the layout of the set: train.csv, train/<class>/image/*.dcm, train/<class>/mark/*.jpg, test.csv, test/*.dcm."""

import csv
from io import StringIO

from tests.pipeline.adapters.drawn import mark, radiograph

HEADER = ("ID", "Filename", "category", "ImagePath", "MarkPath")
CHINESE = {
    "normal": "正常",
    "aortic_curvature": "主動脈彎曲",
    "aortic_atherosclerosis_calcification": "主動脈硬鈣化",
    "cardiac_hypertrophy": "心脈肥大",
    "intercostal_pleural_thickening": "肺尖肋膜增厚",
    "lung_field_infiltration": "肺野浸潤增加",
    "degenerative_joint_disease_of_the_thoracic_spine": "胸椎退化性關節病變",
    "scoliosis": "脊椎側彎",
}


class EdaFolder:
    """Rows and files as they are added; ``write`` puts the table down in an encoding."""

    def __init__(self, root):
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.rows = []

    def film(self, patient, name, category, boxes=(), *, seed=None, folder=None, **changes):
        """Add a film of a class folder with its mark and its row; return the row, which may be changed."""
        place = folder or category
        image, marks = self.root / "train" / place / "image", self.root / "train" / place / "mark"
        image.mkdir(parents=True, exist_ok=True)
        (image / f"{name}.dcm").write_bytes(radiograph(len(self.rows) if seed is None else seed, **changes))
        row = {
            "ID": patient,
            "Filename": f"{name}.dcm",
            "category": category,
            "ImagePath": f"/{place}/image/{name}.dcm",
            "MarkPath": "",
        }
        if boxes:
            marks.mkdir(parents=True, exist_ok=True)
            (marks / f"{name}.jpg").write_bytes(mark(*boxes))
            row["MarkPath"] = f"/{place}/mark/{name}.jpg"
        self.rows.append(row)
        return row

    def mark_of(self, row):
        return self.root / "train" / row["MarkPath"].lstrip("/")

    def in_chinese(self):
        for row in self.rows:
            row["category"] = CHINESE.get(row["category"], row["category"])

    def write(self, encoding="utf-8"):
        text = StringIO(newline="")
        writer = csv.DictWriter(text, HEADER)
        writer.writeheader()
        writer.writerows(self.rows)
        (self.root / "train.csv").write_bytes(text.getvalue().encode(encoding))
        return self.root


def small(root):
    """Five films of four patients, each showing one rule, and two unlabelled test films."""
    folder = EdaFolder(root)
    folder.film("A1", "10 (2)d", "cardiac_hypertrophy", [(120, 220, 300, 340)])
    folder.film("A2", "11 (1)", "lung_field_infiltration", [(60, 120, 110, 190), (280, 200, 340, 270)])
    folder.film("A3", "12", "normal")
    folder.film("A3", "13", "normal")
    folder.film("A4", "14", "scoliosis", [(180, 60, 230, 380)])
    (root / "test.csv").write_text("ID,Filename\n1,001.dcm\n2,002.dcm\n", encoding="utf-8")
    return folder
