"""The two backends that need no process of their own."""

from verification.conformance.plugin import BackendConformance

from demo_app.verification.conformance.targets import shipped


class TestInline(BackendConformance):
    subject = shipped("inline")


class TestMemory(BackendConformance):
    subject = shipped("memory")
