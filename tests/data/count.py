#!/usr/bin/env python3
"""Counts, without LoanOps, what `loanops data check` says of the real data sets: rows read, cleaned, quarantined, duplicate.

Each set's rules are written here once more, by hand, from the specs in tests/specs. Usage: count.py DATA_FOLDER SPEC_NAME
"""
import csv
import datetime
import json
import re
import sys
from pathlib import Path


def number(low=None, high=None, whole=False, missing=False):
    def good(text):
        if text == "":
            return missing
        try:
            value = float(text)
        except ValueError:
            return False
        return (not whole or value == int(value)) and (low is None or value >= low) and (high is None or value <= high)

    return good


def one_of(*values, missing=False):
    return lambda text: text in values or (missing and text == "")


def amount(text):
    return re.sub(r"[$,]", "", text)


def day(text):
    """The date that M/D/YYYY, M/D/YY or D-MMM-YY is; "" for none, None for another text."""
    if text == "":
        return ""
    for form in ("%m/%d/%Y", "%m/%d/%y", "%d-%b-%y"):
        try:
            at = datetime.datetime.strptime(text, form).date()
        except ValueError:
            continue
        if "%y" in form and at.year >= 2069:  # POSIX turns at 69, the specs at 70
            at = at.replace(year=at.year - 100)
        return at.isoformat()
    return None




def heloc(row):
    return {k: ("" if k != "RiskPerformanceBad" and v in ("-9", "-8", "-7") else v) for k, v in row.items()}


def heloc_leak(row):
    return {k: str(float(v)) for k, v in row.items()}


def taiwan(row):
    return {**row, "EDUCATION": "" if row["EDUCATION"] in ("0", "5", "6") else row["EDUCATION"]}


def sba(row):
    out = dict(row)
    for name in ("ApprovalDate", "DisbursementDate", "ChgOffDate"):
        out[name] = day(row[name])
    for name in ("DisbursementGross", "GrAppv", "SBA_Appv", "ChgOffPrinGr"):
        out[name] = amount(row[name])
    for name in ("NewExist", "UrbanRural"):
        out[name] = "" if row[name] == "0" else row[name]
    out["RevLineCr"] = {"0": "N", "1": "Y", "T": "Y"}.get(row["RevLineCr"], row["RevLineCr"])
    return out


SBA = {
    "file": "sba-national/sba_first22427.csv",
    "where": lambda row: int(row["ApprovalFY"]) >= 1997,
    "clean": sba,
    "unlabelled": "MIS_Status",
    "rules": {
        "RevLineCr": one_of("N", "Y", missing=True), "NewExist": one_of("1", "2", missing=True), "UrbanRural": one_of("1", "2", missing=True),
        "NoEmp": number(0, 100000, True), "CreateJob": number(0, 10000, True), "RetainedJob": number(0, 10000, True),
        "GrAppv": number(0, 1e7), "SBA_Appv": number(0, 1e7), "MIS_Status": one_of("CHGOFF", "P I F", missing=True),
        "ApprovalDate": lambda text: text is not None and "" < text <= "2014-12-31",
        "DisbursementDate": lambda text: text is not None and text <= "2014-12-31",
        "ChgOffDate": lambda text: text is not None and text <= "2014-12-31",
    },
}

SETS = {
    "av-loan-prediction": {"file": "av-loan-prediction/train.csv", "clean": dict, "rules": {
        "Dependents": one_of("0", "1", "2", "3+", missing=True), "Credit_History": one_of("0", "1", missing=True), "Loan_ID": lambda text: text != "",
        "ApplicantIncome": number(0, 200000), "CoapplicantIncome": number(0, 200000), "LoanAmount": number(1, 2000, missing=True)}},
    "boston-hmda-1990": {"file": "boston-hmda-1990/hmda_boston.csv", "clean": dict, "rules": {
        "pirat": number(0, 5), "hirat": number(0, 5), "lvrat": number(0, 3), "chist": number(1, 6, True), "deny": one_of("yes", "no")}},
    "credit-data-spain": {"file": "credit-data-spain/credit_data.csv", "clean": dict, "rules": {
        "Home": one_of("owner", "rent", "parents", "other", "priv", "ignore", missing=True), "Job": one_of("fixed", "freelance", "partime", "others", missing=True),
        "Seniority": number(0, 70, True), "Income": number(0, 10000, missing=True), "Assets": number(0, 1e6, missing=True)}},
    "german-credit": {"file": "german-credit/german_credit.csv", "clean": dict, "rules": {
        "duration.in.month": number(1, 120), "credit.amount": number(0, 100000), "creditability": one_of("good", "bad")}},
    "heloc-fico": {"file": "heloc-fico/heloc_raw_10459.csv", "clean": heloc, "rules": {}},
    "heloc-fico-leak": {"file": "heloc-fico/heloc_9871_label_leak.csv", "clean": heloc_leak, "rules": {}},
    "taiwan-credit-card": {"file": "taiwan-credit-card/taiwan.csv", "clean": taiwan, "rules": {
        "EDUCATION": one_of("1", "2", "3", "4", missing=True), "LIMIT_BAL": number(0, whole=True), "PAY_0": number(-2, 9, True), "PAY_AMT1": number(0, whole=True)}},
    "sba-national": SBA,
    "sba-national-term": {**SBA, "rules": {**SBA["rules"], "Term": number(0, 1000, True)}},
}


def count(folder, name):
    spec = SETS[name]
    out = {"read": 0, "cleaned": 0, "quarantined": 0, "duplicate": 0}
    seen = set()
    with open(Path(folder) / spec["file"], newline="", encoding="utf-8") as file:
        for raw in csv.DictReader(file):
            if not spec.get("where", lambda row: True)(raw):
                continue
            out["read"] += 1
            row = spec["clean"](raw)
            if not all(good(row[column]) for column, good in spec["rules"].items()):
                out["quarantined"] += 1
                continue
            if "unlabelled" in spec and row[spec["unlabelled"]] == "":
                continue
            out["cleaned"] += 1
            content = tuple(row.values())
            out["duplicate"] += content in seen
            seen.add(content)
    return out


if __name__ == "__main__":
    print(json.dumps(count(sys.argv[1], sys.argv[2])))
