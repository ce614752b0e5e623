"""Ways in which a structured report can break its templates. Each changes a report that has at least one region, and says what a reader should miss."""


def _measured(report):
    return next(item for item in report.ContentSequence if _name(item) == "126010")


def _name(item):
    return item.ConceptNameCodeSequence[0].CodeValue if "ConceptNameCodeSequence" in item else ""


def _group(report, template):
    return next(g for g in _measured(report).ContentSequence if g.ContentTemplateSequence[0].TemplateIdentifier == template)


def _item(report, template, code):
    return next(item for item in _group(report, template).ContentSequence if _name(item) == code)


def _without(template, code):
    def change(report):
        _group(report, template).ContentSequence.remove(_item(report, template, code))

    return change


def _twice(template, code):
    def change(report):
        group = _group(report, template)
        group.ContentSequence.append(_item(report, template, code))

    return change


def _attribute(template, code, keyword, value):
    def change(report):
        setattr(_item(report, template, code), keyword, value)

    return change


def _header(keyword, value):
    def change(report):
        if value is None:
            delattr(report, keyword)
        else:
            setattr(report, keyword, value)

    return change


def _other_code(template, code, value):
    def change(report):
        _item(report, template, code).ConceptCodeSequence[0].CodeValue = value

    return change


def _root_item(code):
    def change(report):
        report.ContentSequence.remove(next(item for item in report.ContentSequence if _name(item) == code))

    return change


def _selected_film(report):
    image = _item(report, "1410", "111030").ContentSequence[0].ReferencedSOPSequence[0]
    image.ReferencedSOPInstanceUID = "1.2.3.4"


def _no_film(report):
    del _item(report, "1410", "111030").ContentSequence


def _same_tracking(report):
    first = _item(report, "1410", "112040")
    _item(report, "1501", "112040").UID = first.UID


def _order(report):
    sequence = _group(report, "1501").ContentSequence
    sequence.append(sequence.pop(0))


def _units(report):
    _item(report, "1410", "TT-SCORE").MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = "mm"


def _score(report):
    _item(report, "1410", "TT-SCORE").MeasuredValueSequence[0].NumericValue = "1.5"


def _no_scheme(report):
    del _item(report, "1410", "121071").ConceptCodeSequence[0].CodingSchemeDesignator


def _no_groups(report):
    del _measured(report).ContentSequence


def _evidence_study(report):
    report.CurrentRequestedProcedureEvidenceSequence[0].StudyInstanceUID = "1.2.3"


def _template(report):
    report.ContentTemplateSequence[0].TemplateIdentifier = "2000"


BROKEN = {
    "region without image region": _without("1410", "111030"),
    "region without finding": _without("1410", "121071"),
    "region without tracking UID": _without("1410", "112040"),
    "region without tracking identifier": _without("1410", "112039"),
    "region without geometric purpose": _without("1410", "130400"),
    "region without score": _without("1410", "TT-SCORE"),
    "region without site": _without("1410", "363698007"),
    "region with two image regions": _twice("1410", "111030"),
    "region with two findings": _twice("1410", "121071"),
    "group without finding": _without("1501", "121071"),
    "group without algorithm name": _without("1501", "111001"),
    "group without state": _without("1501", "TT-MARK"),
    "group without image": _without("1501", "121112"),
    "group with two states": _twice("1501", "TT-MARK"),
    "line of another type": _attribute("1410", "111030", "GraphicType", "CIRCLE"),
    "line of four points": _attribute("1410", "111030", "GraphicData", [1.0, 1.0, 9.0, 1.0, 9.0, 9.0, 1.0, 9.0]),
    "line that is open": _attribute("1410", "111030", "GraphicData", [1.0, 1.0, 9.0, 1.0, 9.0, 9.0, 1.0, 9.0, 2.0, 2.0]),
    "line askew": _attribute("1410", "111030", "GraphicData", [1.0, 1.0, 9.0, 2.0, 9.0, 9.0, 1.0, 9.0, 1.0, 1.0]),
    "line beyond the film": _attribute("1410", "111030", "GraphicData", [-9.0, 1.0, 9.0, 1.0, 9.0, 9.0, -9.0, 9.0, -9.0, 1.0]),
    "line without coordinates": _attribute("1410", "111030", "GraphicData", None),
    "region of another purpose": _other_code("1410", "130400", "111041"),
    "state outside its value set": _other_code("1501", "TT-MARK", "17621005"),
    "value type that does not fit": _attribute("1501", "TT-MARK", "ValueType", "TEXT"),
    "relationship that does not fit": _attribute("1410", "111030", "RelationshipType", "INFERRED FROM"),
    "value type that does not exist": _attribute("1410", "121071", "ValueType", "CODED"),
    "tracking UID that is none": _attribute("1410", "112040", "UID", "1.2.abc"),
    "tracking UID used twice": _same_tracking,
    "region on a film that is not in the evidence": _selected_film,
    "region without its film": _no_film,
    "score in millimetres": _units,
    "score above 1": _score,
    "code without scheme": _no_scheme,
    "order changed": _order,
    "no groups": _no_groups,
    "no imaging measurements": _root_item("126010"),
    "no observer type": _root_item("121005"),
    "no procedure": _root_item("121058"),
    "no conclusion": _root_item("C0034375"),
    "another template": _template,
    "evidence of another study": _evidence_study,
    "no evidence": _header("CurrentRequestedProcedureEvidenceSequence", None),
    "verified": _header("VerificationFlag", "VERIFIED"),
    "no completion flag": _header("CompletionFlag", None),
    "another modality": _header("Modality", "DX"),
    "no content": _header("ContentSequence", None),
}
