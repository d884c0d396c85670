"""The one R of all live comparisons gives each script what a new R would."""

from __future__ import annotations

from typing import Any

import pytest

from evisynth.validation.r_session import RError

pytestmark = pytest.mark.live_r


def test_each_script_has_its_own_output(r_session: Any) -> None:  # noqa: ANN401 - a fixture
    assert r_session.run("cat('one\\n')") == "one\n"
    assert r_session.run("cat('no line break')") == "no line break"
    assert r_session.run("x <- 1") == ""
    assert r_session.run("1 + 1") == "[1] 2\n"
    assert r_session.ask("out <- list(a=0.1, b=NA, c=NULL, d=c(1, 2))") == {"a": 0.1, "b": None, "c": None, "d": [1, 2]}


def test_nothing_leaks_into_the_next_script(r_session: Any) -> None:  # noqa: ANN401 - a fixture
    look = (
        "list(getOption('digits'), getOption('stringsAsFactors.of.ours'), getwd(), search(), exists('kept'), "
        "exists('x'), exists('.Random.seed', globalenv()), RNGkind(), sink.number(), names(dev.list()))"
    )
    before = r_session.ask("", look)
    r_session.run(
        "options(digits=3, stringsAsFactors.of.ours=TRUE); kept <<- 1; x <- 2; setwd(tempdir()); library(splines); "
        "RNGkind('Wichmann-Hill'); set.seed(1); pdf(NULL); sink(tempfile())"
    )
    assert r_session.ask("", look) == before
    assert before[0] == 7
    assert before[4:6] == [False, False]


@pytest.mark.parametrize("script", ["stop('as R says it')", "f <- function() stop('as R says it'); f()"])
def test_an_error_has_the_message_of_r(r_session: Any, script: str) -> None:  # noqa: ANN401 - a fixture
    with pytest.raises(RError, match="as R says it"):
        r_session.run(f"options(digits=3)\n{script}")
    with pytest.raises(RError, match="unexpected end of input"):
        r_session.run("f <- function(")
    assert r_session.ask("", "getOption('digits')") == 7


def test_an_r_that_ends_is_reported_and_started_again(r_session: Any) -> None:  # noqa: ANN401 - a fixture
    with pytest.raises(RError, match=r"R ended with code 3: (.|\n)*last words"):
        r_session.run("message('last words'); quit(status=3)")
    assert r_session.ask("", "1 + 1") == 2


def test_versions(r_session: Any) -> None:  # noqa: ANN401 - a fixture
    assert r_session.version_of("metafor") >= (3,)
    assert r_session.version_of("no.such.package") is None
