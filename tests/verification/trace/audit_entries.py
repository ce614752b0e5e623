"""An audit log in the making, with people whose keys end with the test."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

from tests.verification.trace.signers import START, Signer
from verification.trace.audit_log import AUDIT, HEAD, Entry, Event, examine, head_json
from verification.trace.audit_order import seed_of
from verification.trace.keys import Form, sign
from verification.trace.people import time_text
from verification.trace.signed_chain import Chain

ROLES = ("clinical safety", "quality assurance")
PROTOCOL, WEIGHTS, OTHER = "1" * 64, "2" * 64, "3" * 64


def people_toml(*signers, project="tiny"):
    """Return people.toml with these people, in which both roles approve the protocol."""
    held = sorted({*ROLES, *(role for signer in signers for role in signer.person.roles)})
    text = f'schema = "thoratrace/people/1"\nproject = "{project}"\n'
    text += "".join(f'[[role]]\nname = "{role}"\nsigns = "all"\nmeanings = ["approved"]\n' for role in held)
    for documents in ("validation/protocol.toml", "releases"):
        text += f'[[rule]]\ndocuments = "{documents}"\nroles = {json.dumps(list(ROLES))}\n'
    for signer in signers:
        roles, key = json.dumps(list(signer.person.roles)), signer.key
        text += f'[[person]]\nname = "{signer.person.name}"\nkind = "demonstration"\nroles = {roles}\n'
        text += f'[[person.key]]\nid = "{key.id}"\npublic = "{key.public.line}"\n'
        text += f'valid_from = "{time_text(key.valid_from)}"\nvalid_until = "{time_text(key.valid_until)}"\n'
    return text


def quality(**changes):
    return Signer("DEMO-quality", "quality assurance", **changes)


class Log:
    """Entries one after the other, a minute apart, each signed by one signer unless told otherwise."""

    def __init__(self, signer, project="tiny", start=START):
        self.signer, self.project, self.time = signer, project, start
        self.lines = []

    def add(self, event, facts, signer=None, **changes):
        signer = signer or self.signer
        self.time += timedelta(minutes=1)
        given = {
            "project": self.project,
            "event": event,
            "name": signer.person.name,
            "role": signer.person.roles[0],
            "time": time_text(self.time),
            "statement": "done by a test, for a test",
            "facts": tuple(sorted(facts.items())),
            "key": signer.key.id,
            "previous": self.log().last,
            "form": Form.PLAIN,
        }
        entry = Entry(**(given | changes))
        entry = replace(entry, signature=sign(signer.private, entry.message, entry.form))
        self.lines.append(entry.line)
        return entry

    def frozen(self, protocol=PROTOCOL, **changes):
        facts = {"protocol_sha256": protocol, "version": "1", "studies": "1500", "studies_needed": "1476"}
        return self.add(Event.FROZEN, facts, **changes)

    def opened(self, protocol=PROTOCOL, weights=WEIGHTS, seed=None, bundle="b" * 64, **changes):
        facts = {"protocol_sha256": protocol, "weights_sha256": weights, "bundle_sha256": bundle, "code_sha256": "c" * 64}
        return self.add(Event.OPENED, facts | {"seed": seed or seed_of(protocol, weights), "studies": "1500"}, **changes)

    def judged(self, protocol=PROTOCOL, weights=WEIGHTS, content=b"{}", **changes):
        evidence = {"evidence": place(protocol, weights), "evidence_sha256": hashlib.sha256(content).hexdigest()}
        facts = {"protocol_sha256": protocol, "weights_sha256": weights, "predictions_sha256": "d" * 64, "primary_passed": "yes"}
        return self.add(Event.JUDGED, facts | evidence, **changes)

    def recorded(self, version="0.1.0", record="e" * 64, **changes):
        return self.add(Event.RECORDED, {"version": version, "record_sha256": record, "commit": "f" * 40}, **changes)

    def approved(self, version="0.1.0", record="e" * 64, **changes):
        return self.add(Event.APPROVED, {"version": version, "record_sha256": record}, **changes)

    def log(self):
        head = head_json(tuple(self.lines))
        return Chain(tuple(self.lines), (head["entries"], head["sha256"]) if self.lines else None)

    def trail(self, people, now=START + timedelta(days=10)):
        return examine(self.log(), people, now)

    def write(self, project):
        """Write log and head into a project."""
        project.write(AUDIT, "".join(f"{line}\n" for line in self.lines))
        project.write(HEAD, json.dumps(head_json(tuple(self.lines))))


def place(protocol=PROTOCOL, weights=WEIGHTS):
    return f"evidence/locked_validation/{seed_of(protocol, weights)[:16]}/validation.json"


def told(problems):
    return [(each.code, each.where) for each in problems]
