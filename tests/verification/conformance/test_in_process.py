"""The two backends that need no process of their own."""

from demo_app.verification.conformance.plugin import BackendConformance
from demo_app.verification.conformance.targets import SHIPPED


class TestInline(BackendConformance):
    subject = SHIPPED["inline"]


class TestMemory(BackendConformance):
    subject = SHIPPED["memory"]
