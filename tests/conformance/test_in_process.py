"""The two backends that need no process of their own."""

from conformance.plugin import BackendConformance

from demo_app.conformance.targets import shipped


class TestInline(BackendConformance):
    subject = shipped("inline")


class TestMemory(BackendConformance):
    subject = shipped("memory")
