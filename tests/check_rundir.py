"""check_rundir.py RUNDIR: looks at a run directory with the tools of others, and prints TAP.

jsonschema      result.json against docs/result.schema.json
rocrate         ro-crate-metadata.json reads as an RO-Crate whose files are there
roc-validator   it is a Process Run Crate (the context comes from the package rocrate, so that no network is needed)
A tool that is not installed is skipped.
"""
import json
import os
import sys
import urllib.parse
import warnings

warnings.simplefilter("ignore")
here = os.path.dirname(os.path.abspath(__file__))
rundir = sys.argv[1]
count = 0


def report(name, problems):
    global count
    count += 1
    print(("not ok" if problems else "ok"), count, "-", name)
    for problem in problems:
        print("#  ", str(problem).replace("\n", " ")[:300])


def skip(name, reason):
    global count
    count += 1
    print("ok", count, "-", name, "# SKIP", reason)


def load(name):
    with open(os.path.join(rundir, name), encoding="utf-8") as file:
        return json.load(file)


def schema():
    try:
        import jsonschema
    except ImportError:
        return skip("result.json validates", "the Python package jsonschema is not installed")
    with open(os.path.join(here, "..", "docs", "result.schema.json"), encoding="utf-8") as file:
        described = json.load(file)
    jsonschema.Draft202012Validator.check_schema(described)
    errors = jsonschema.Draft202012Validator(described).iter_errors(load("result.json"))
    report("result.json validates", [f"{list(e.absolute_path)}: {e.message}" for e in errors])


def structure():
    graph = load("ro-crate-metadata.json")["@graph"]
    ids = [entity["@id"] for entity in graph]
    problems = [f"{i} twice" for i in set(ids) if ids.count(i) > 1]

    def walk(value, inside):
        if isinstance(value, dict):
            if set(value) == {"@id"} and value["@id"] not in ids and not value["@id"].startswith("http"):
                problems.append(f"{inside} refers to {value['@id']}, which is not there")
            for item in value.values():
                walk(item, inside)
        elif isinstance(value, list):
            for item in value:
                walk(item, inside)

    for entity in graph:
        walk({k: v for k, v in entity.items() if k != "@id"}, entity["@id"])
        if entity["@type"] == "File" and not os.path.exists(os.path.join(rundir, urllib.parse.unquote(entity["@id"]))):
            problems.append(f"no file {entity['@id']}")
    actions = [entity for entity in graph if entity["@type"] == "CreateAction"]
    if len(actions) != 1 or not {"instrument", "object", "result", "endTime"} <= set(actions[0]):
        problems.append("not one CreateAction with instrument, object, result, endTime")
    report("the crate's references and files are there", problems)


def crate():
    try:
        from rocrate.rocrate import ROCrate
    except ImportError:
        return skip("the package rocrate reads the crate", "it is not installed")
    try:
        found = ROCrate(rundir)
        report("the package rocrate reads the crate", [] if found.mainEntity is None and found.name else ["no name"])
    except Exception as error:  # whatever it does not like
        report("the package rocrate reads the crate", [error])


def profile():
    try:
        import rocrate
        import requests
        import rocrate_validator.services as services
        from rocrate_validator.models import Severity, ValidationSettings
        from rocrate_validator.utils.http import HttpRequester
    except ImportError:
        return skip("the crate is a Process Run Crate", "the Python package roc-validator is not installed")
    answer = requests.Response()
    with open(os.path.join(os.path.dirname(rocrate.__file__), "data", "ro-crate.jsonld"), "rb") as file:
        answer._content = file.read()
    answer.status_code = 200
    answer.headers["Content-Type"] = "application/ld+json"
    answer.url = "https://w3id.org/ro/crate/1.1/context"
    HttpRequester.get = lambda *_args, **_rest: answer
    HttpRequester.fetch_fresh = HttpRequester.get
    problems = []
    for name in ("ro-crate-1.1", "process-run-crate-0.5"):
        settings = ValidationSettings(rocrate_uri=rundir, profile_identifier=name, offline=True,
                                      requirement_severity=Severity.RECOMMENDED if "-v" in sys.argv else Severity.REQUIRED)
        result = services.validate(settings)
        problems += [f"{name}: {issue.message} ({issue.violatingEntity})" for issue in result.get_issues()]
    report("the crate is a Process Run Crate", problems)


schema()
structure()
crate()
profile()
print(f"1..{count}")
