import pytest
from conformance.plugin import BackendConformance

from demo_app.conformance import Subject


@pytest.mark.thorough
class TestHuey(BackendConformance):
    subject = Subject("huey")
