"""Read the numbers of R's answers: by the class of the answer, under the names that they have here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evisynth.kernels.arrays import FloatArray

READING = r"""
read <- function(x) {
  is <- function(...) inherits(x, c(...))
  pick <- function(...) {
    made <- lapply(c(...), function(name) { v <- x[[name]]; if (is.numeric(v)) I(as.numeric(v)) })
    made[!vapply(made, is.null, NA)]
  }
  coefficients <- c(estimate="beta", se="se", statistic="zval", p="pval", ci_low="ci.lb", ci_high="ci.ub")
  of_meta <- function(model) {
    names <- c(estimate="TE", se="seTE", ci_low="lower", ci_high="upper", p="pval", statistic="statistic")
    pick(setNames(paste0(names, ".", model), paste0(model, "_", names(names))))
  }
  if (is("permutest.rma.uni")) return(pick(p="pval"))
  if (is("hc.rma.uni")) return(pick(coefficients[c("estimate", "se", "ci_low", "ci_high")]))
  if (is("rma.uni.trimfill")) return(pick(coefficients, k0="k0", tau2="tau2"))
  if (is("rma.uni.selmodel")) return(pick(coefficients, tau2="tau2", delta="delta", lrt="LRT", lrt_p="LRTp"))
  if (is("rma")) return(pick(coefficients, tau2="tau2", tau2_se="se.tau2", q="QE"))
  if (is("escalc")) return(list(y=I(as.numeric(x$yi)), v=I(as.numeric(x$vi))))
  if (is("confint.rma")) {
    if (isTRUE(x$ci.null)) return(list(empty=I(1)))
    row <- x$random["tau^2", ]
    return(list(tau2_low=I(row[["ci.lb"]]), tau2_high=I(row[["ci.ub"]])))
  }
  if (is("predict.rma", "list.rma")) return(pick(pi_low="pi.lb", pi_high="pi.ub"))
  if (is("regtest")) {
    return(pick(statistic="zval", p="pval", df="dfs", limit="est", limit_low="ci.lb", limit_high="ci.ub"))
  }
  if (is("ranktest")) return(pick(tau="tau", p="pval"))
  if (is("tes")) return(pick(p="pval", observed="O", expected="E"))
  if (is("fsn")) return(pick(statistic="fsnum"))
  if (is("htest")) return(pick(statistic="statistic", p="p.value"))
  if (is("lm")) {
    row <- summary(x)$coefficients[1, ]
    return(list(estimate=I(row[[1]]), se=I(row[[2]])))
  }
  if (is("metabias")) return(pick(statistic="statistic", p="pval", df="df"))
  if (is("limitmeta", "copas")) {
    return(pick(estimate="TE.adjust", se="seTE.adjust", ci_low="lower.adjust", ci_high="upper.adjust"))
  }
  if (is("lfkindex")) return(pick(statistic="lfkindex"))
  if (is("orbbound")) return(pick(common_estimate="common", random_estimate="random"))
  if (is("puniform", "puni_star")) return(pick(estimate="est", ci_low="ci.lb", ci_high="ci.ub", p="pval.pb"))
  if (is("meta")) {
    return(c(pick(y="TE", limit_of_study_low="lower", limit_of_study_high="upper", tau2="tau2", q="Q", k0="k0",
                  tau2_low="lower.tau2", tau2_high="upper.tau2", pi_low="lower.predict", pi_high="upper.predict"),
             list(v=I(as.numeric(x$seTE)^2)), of_meta("common"), of_meta("random")))
  }
  if (is.data.frame(x)) {
    columns <- lapply(x[vapply(x, is.numeric, NA)], function(column) I(as.numeric(column)))
    return(setNames(columns, paste0("column ", names(columns))))
  }
  if (is.numeric(x)) return(list(value=I(as.numeric(x))))
  list(other=class(x)[1])
}
exported <- function(call) {
  # Methods of R's own generics (predict, confint, plot) are called without a package.
  found <- unique(regmatches(call, gregexpr("[[:alnum:].]+::[[:alnum:]._]+", call))[[1]])
  for (one in found) {
    parts <- strsplit(one, "::")[[1]]
    if (!parts[2] %in% getNamespaceExports(parts[1])) call <- gsub(one, parts[2], call, fixed=TRUE)
  }
  call
}
ask <- function(columns, setup, call) {
  place <- list2env(columns, parent=globalenv())
  warned <- character()
  answer <- withCallingHandlers(
    tryCatch({
      if (nzchar(setup)) eval(parse(text=exported(setup)), place)
      read(eval(parse(text=exported(call)), place))
    }, error=function(e) list(error=conditionMessage(e))),
    warning=function(w) { warned <<- c(warned, conditionMessage(w)); invokeRestart("muffleWarning") })
  ignored <- grep("disregarded", warned, value=TRUE)
  if (length(ignored)) list(error=ignored[1]) else answer
}
exact <- function(x) {
  # JSON would have 15 digits.
  if (is.list(x)) lapply(x, exact) else if (is.numeric(x)) I(sprintf("%.17g", x)) else x
}
by_row <- function(columns, setup, call) {
  lapply(seq_along(columns[[1]]), function(i) ask(lapply(columns, function(column) column[i]), setup, call))
}
"""
"""Functions of R: ``ask`` evaluates a call among columns and gives its numbers, or the error."""


def doubles(answer: Any) -> Any:  # noqa: ANN401 - as R's answers differ
    """Turn the numbers of an answer, which come as texts of 17 digits, into doubles; None for what is not finite."""
    if isinstance(answer, dict):
        return {name: doubles(value) for name, value in cast("dict[str, Any]", answer).items()}
    if not isinstance(answer, list):
        return answer
    values: list[Any] = answer  # pyright: ignore[reportUnknownVariableType] - what JSON has
    return [_double(value) if isinstance(value, str) else doubles(value) for value in values]


def _double(text: str) -> float | None:
    value = math.nan if text == "NA" else float(text)
    return value if math.isfinite(value) else None


def as_r(values: FloatArray) -> str:
    """Write numbers for R, without loss; what is not a number is missing."""
    numbers = ["NA" if math.isnan(value) else repr(value).replace("inf", "Inf") for value in values.tolist()]
    return f"c({', '.join(numbers)})"


def columns_as_r(columns: Mapping[str, FloatArray | str]) -> str:
    """Write columns, and words, as a list of R."""
    written = {
        name: f"'{values}'" if isinstance(values, str) else f"as.numeric({as_r(values)})"
        for name, values in columns.items()
    }
    return f"list({', '.join(f'{name}={values}' for name, values in written.items())})"
