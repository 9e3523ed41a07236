"""A catalog that is busy, full, cut off or half migrated."""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from signal import SIGKILL

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from imageferry.bootstrap import Ferry, open_ferry
from imageferry.catalog import ledger
from imageferry.catalog import jobs as ledger_jobs
from imageferry.catalog.ledger import Terms
from imageferry.catalog.session import Catalog
from imageferry.catalog.tables import batches, jobs
from imageferry.cli.exits import Exit
from imageferry.demo.node import Node
from imageferry.demo.operations import Operation
from imageferry.demo.tree import Tree
from imageferry.engine.worker import at_work
from imageferry.errors import FatalError, Reason
from imageferry.model import Job, JobOptions, JobState, Locator
from imageferry.pipeline.submit import submit
from tests.flow import Flow
from tests.processes import command
