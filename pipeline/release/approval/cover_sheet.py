"""The cover sheet: one page on which a person sees what a release is, how well it was made, who signed it, and how to check all of that.

The technical file says "signatures: see cover sheet", because it is one of the parts that are signed. The sheet is made from record, certificates and the
recorded validation only, so it can be made again at any time; it proves nothing by itself, and says with which command the proof is had.

Source: 21 CFR 11.50 b) (name, time and meaning in human-readable form); design 4 (demonstration identities are named as such).
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from string import Template
from typing import TYPE_CHECKING, Any

from pipeline.release.approval import certificate
from pipeline.release.record.folder import replace_bytes
from pipeline.release.record.record import CONCLUSION, PLACES, Kind
from verification.trace.people import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pipeline.release.approval.certificate import Certificate
    from pipeline.release.record.folder import ReleaseFolder
    from pipeline.release.record.record import Record, Signer

NAME = "cover_sheet.html"
VALIDATION = "files/validation.json"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of the protocol as it was judged, in words."""

    title: str
    figure: str
    goal: str
    outcome: str


def write(folder: ReleaseFolder) -> Path:
    """Write the sheet of a folder beside its certificates and return its place.

    Raises:
        ReleaseRefused: ``REL-RECORD``, record or validation cannot be read.
    """
    record = folder.record()
    page = render(record, certificate.held(folder, record), folder.content(VALIDATION))
    replace_bytes(folder.after / NAME, page.encode())
    return folder.after / NAME


def endpoints(validation: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    """Return the endpoints of a recorded validation in words; an undefined figure says why."""
    return tuple(_endpoint(each) for each in validation["endpoints"])


def render(record: Record, signed: Mapping[str, Certificate], validation: Mapping[str, Any]) -> str:
    """Return the page; equal inputs give equal bytes."""
    trial = record.kind is Kind.TRIAL
    return _PAGE.substitute(
        title=escape(record.title),
        version=record.version,
        kind="TRIAL, NOT A RELEASE" if trial else "RELEASE",
        tone="trial" if trial else "release",
        conclusion=CONCLUSION,
        record=_grouped(record.sha256),
        sha256=record.sha256,
        picture=_picture(record.sha256),
        identity=_rows(_identity(record)),
        making=_rows(_making(record)),
        films=escape(f"{validation['films_are']}; {validation['statement']}"),
        endpoints="".join(_endpoint_row(each) for each in endpoints(validation)),
        signatures="".join(_signature_row(each, signed.get(each.name)) for each in record.signers) or _NOBODY,
        folder=f"artifacts/releases/{record.version}" if trial else f"releases/{record.version}",
    )


def _endpoint(each: Mapping[str, Any]) -> Endpoint:
    interval, value = each["interval"], each["value"]
    between = f" [{interval['low']:.3f}, {interval['high']:.3f}]" if interval else ""
    figure = f"undefined: {each['reason']}" if value is None else f"{value:.3f}{between}"
    goal = f"{each['direction'].replace('-', ' ')} {each['threshold']:g} ({each['bound']})"
    return Endpoint(each["title"], figure, goal, "met" if each["passed"] else "NOT MET")


def _identity(record: Record) -> Iterator[tuple[str, str]]:
    previous = record.previous
    yield "commit", record.source.commit
    yield "source files", record.source.files_sha256
    yield f"model {record.model.version}, weights", record.model.weights_sha256
    yield "bundle manifest", record.model.bundle_sha256
    yield "data root", record.data_root
    yield "release before", f"{previous.version}: {previous.record_sha256}" if previous else "none: this is the first"


def _making(record: Record) -> Iterator[tuple[str, str]]:
    inputs = {path for stage in record.stages.values() for path in stage.before}
    yield "trace gate", f"{record.gate['level']} level, {record.gate['problems']} problems"
    yield "pipeline", f"{len(record.stages)} stages; {len(inputs)} inputs with the same SHA-256 before and after"
    yield "environment", ", ".join(_surroundings(record.environment))
    yield "parts", ", ".join(_counted(record, place) for place in PLACES)


def _counted(record: Record, place: str) -> str:
    sizes = [each.size for each in record.subjects if each.name.startswith(f"{place}/")]
    return f"{place} {len(sizes)} ({sum(sizes) / 1e6:.1f} MB)"


def _surroundings(environment: Mapping[str, object]) -> Iterator[str]:
    """Yield what a reader knows by name, and the numeric class; the other hashes stand in environment.json.

    >>> list(_surroundings({"numeric_class": "9" * 64, "python": "3.11.7", "libraries_sha256": "0" * 64}))
    ['numeric class 999999999999', 'python 3.11.7']
    """
    for name, value in sorted(environment.items()):
        if name == "numeric_class":
            yield f"numeric class {str(value)[:12]}"
        elif not name.endswith("sha256"):
            yield f"{name.replace('_', ' ')} {value}"


def _grouped(sha256: str) -> str:
    """Return a hash in groups of eight, as people compare it.

    >>> _grouped("0123456789abcdef" * 4)[:40]
    '<span>01234567</span><span>89abcdef</spa'
    """
    return "".join(f"<span>{sha256[at : at + 8]}</span>" for at in range(0, len(sha256), 8))


def _picture(sha256: str) -> str:
    """Return a hash as 8 x 8 squares, one digit each, darker for larger: two prints of different records look different."""
    squares = (
        f'<rect x="{at % 8}" y="{at // 8}" width="1" height="1" fill-opacity="{int(digit, 16) / 15:.2f}"/>'
        for at, digit in enumerate(sha256)
    )
    return f'<svg viewBox="0 0 8 8" role="img" aria-label="the record\'s hash as squares">{"".join(squares)}</svg>'


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)


def _endpoint_row(each: Endpoint) -> str:
    state = "good" if each.outcome == "met" else "bad"
    cells = "".join(f"<td>{escape(text)}</td>" for text in (each.title, each.figure, each.goal))
    return f'<tr>{cells}<td class="{state}">{each.outcome}</td></tr>'


def _signature_row(signer: Signer, found: Certificate | None) -> str:
    who = f"<td><b>{escape(shown(signer.name))}</b><br>{escape(signer.role)}<br><code>{escape(signer.key)}</code></td>"
    if found is None:
        return f'<tr>{who}<td class="bad">owed: not signed</td><td></td></tr>'
    said = f"<td>{escape(found.meaning)}<br>{escape(found.time)}</td><td>{escape(found.statement)}</td>"
    return f"<tr>{who}{said}</tr>"


_NOBODY = '<tr><td colspan="3">Nobody has to sign this trial.</td></tr>'

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ThoraTrace, $title: cover sheet</title>
<meta name="record-sha256" content="$sha256">
<style>
@page { size: A4; margin: 0 }
* { box-sizing: border-box }
body { margin: 0 auto; width: 210mm; min-height: 296mm; padding: 11mm 15mm 8mm; background: #fff; color: #17202b;
  font: 8.6pt/1.3 "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif }
header { display: flex; justify-content: space-between; align-items: flex-start; gap: 8mm }
.name { font-size: 11pt; letter-spacing: .04em; color: #4a5a6c }
h1 { margin: .6mm 0 1.6mm; font-size: 25pt; line-height: 1; font-weight: 650 }
.kind { display: inline-block; padding: .8mm 2.6mm; border-radius: 1mm; font-size: 8pt; font-weight: 700; letter-spacing: .06em; color: #fff }
.kind.trial { background: #8a5a00 } .kind.release { background: #14507f }
svg { width: 22mm; height: 22mm; fill: #14507f; outline: .3mm solid #c7d2dd }
.warning { margin: 3mm 0 0; padding: 1.8mm 3.5mm; border-left: 1.6mm solid #a11c1c; background: #fbeeee; font-size: 11pt; font-weight: 650 }
.warning small { display: block; font-weight: 400; font-size: 8.4pt; color: #5b2222 }
h2 { margin: 3.2mm 0 .9mm; font-size: 8.4pt; letter-spacing: .07em; text-transform: uppercase; color: #14507f }
table { width: 100%; border-collapse: collapse }
th, td { padding: .6mm 2mm .6mm 0; border-top: .2mm solid #d8e0e8; vertical-align: top; text-align: left; font-weight: 400 }
table.facts th { width: 38mm; color: #4a5a6c } table.facts td { overflow-wrap: anywhere }
table.identity td, code, .hash { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 7.5pt }
thead th { border-top: 0; color: #4a5a6c; font-size: 8pt }
.hash { display: grid; grid-template-columns: repeat(8, auto); justify-content: space-between; padding: 2mm 3mm; background: #eef3f8;
  font-size: 10pt; font-weight: 600 }
table.wide td:nth-child(2), table.wide td:nth-child(3) { white-space: nowrap } table.signed td:first-child { width: 49% }
.good { color: #1c6b34; font-weight: 650; white-space: nowrap } .bad { color: #a11c1c; font-weight: 650; white-space: nowrap }
td code { color: #4a5a6c; font-size: 7pt }
footer { margin-top: 3.2mm; padding-top: 1.6mm; border-top: .4mm solid #14507f; font-size: 7.8pt; color: #33414f }
footer code { color: #17202b; background: #eef3f8; padding: .3mm 1mm }
</style></head><body>
<header><div><div class="name">ThoraTrace &middot; chest-radiograph finding detector</div><h1>$version</h1>
<span class="kind $tone">$kind</span></div>$picture</header>
<div class="warning">$conclusion<small>Not cleared by any authority. Intended use, limits, risks and gaps: technical file, one of the parts named by
the record.</small></div>
<h2>Record (SHA-256)</h2><div class="hash">$record</div>
<h2>What it is</h2><table class="facts identity">$identity</table>
<h2>How it was made</h2><table class="facts">$making</table>
<h2>How it did</h2><table class="wide"><thead><tr><th>Endpoint ($films)</th><th>Figure</th><th>Goal</th><th></th></tr></thead>
<tbody>$endpoints</tbody></table>
<h2>Signatures</h2><table class="signed"><thead><tr><th>Who has to sign, as what, with which key</th><th>Meaning, time (UTC)</th><th>Statement</th></tr></thead>
<tbody>$signatures</tbody></table>
<footer>This sheet proves nothing by itself. The proof: <code>./qms release verify $version --pin SHA256:...</code>, or
<code>python verifier.py $folder --pin SHA256:...</code> with the one file <code>pipeline/release/verifier.py</code> and a key fingerprint that came to you
another way than this folder.</footer>
</body></html>
""")
