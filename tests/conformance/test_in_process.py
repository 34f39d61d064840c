"""The two backends that need no process of their own."""

from conformance.plugin import BackendConformance

from demo_app.conformance import Subject


class TestInline(BackendConformance):
    subject = Subject("inline")


class TestMemory(BackendConformance):
    subject = Subject("memory")
