# Run metafor on published data sets and write inputs and results to expected.json.
#
#   Rscript generate.R [date]
#
# The date is written into the file; without one the date that stands there is kept, so that equal versions of R,
# metafor and metadat give equal bytes. Iterative estimators are run with a threshold far below metafor's default,
# which would stop them at four or five digits.

suppressPackageStartupMessages({
  library(metafor)
  library(metadat)
  library(jsonlite)
})

file_argument <- grep("^--file=", commandArgs(), value = TRUE)
folder <- dirname(normalizePath(sub("^--file=", "", file_argument)))
target <- file.path(folder, "expected.json")
given <- commandArgs(trailingOnly = TRUE)
stored_date <- if (file.exists(target)) fromJSON(target)$about$generated else NULL
generated <- if (length(given)) given[[1]] else stored_date
if (is.null(generated)) stop("give the date as an argument: there is no expected.json to take it from")

# The fewest digits that identify a double; NA, NaN and infinities become null.
shortest <- function(x) {
  for (digits in 15:17) {
    text <- formatC(x, digits = digits, format = "g", width = 1)
    if (as.numeric(text) == x) break
  }
  trimws(text)
}

encode <- function(x) {
  if (is.null(x)) return("null")
  if (is.list(x)) {
    parts <- vapply(x, encode, "")
    if (is.null(names(x))) return(paste0("[", paste(parts, collapse = ","), "]"))
    keys <- vapply(names(x), function(name) as.character(toJSON(name, auto_unbox = TRUE)), "")
    return(paste0("{", paste0(keys, ":", parts, collapse = ","), "}"))
  }
  one <- function(value) {
    if (is.na(value) || (is.numeric(value) && !is.finite(value))) return("null")
    if (is.logical(value)) return(tolower(as.character(value)))
    if (is.numeric(value)) return(shortest(value))
    as.character(toJSON(value, auto_unbox = TRUE))
  }
  parts <- vapply(unname(x), one, "")
  if (length(parts) == 1 && !inherits(x, "AsIs")) parts else paste0("[", paste(parts, collapse = ","), "]")
}

# ---- the data sets, all with treatment as 1 and control as 2 ----

counts <- function(e1, n1, e2, n2) list(events_1 = e1, n_1 = n1, events_2 = e2, n_2 = n2)
means <- function(m1, s1, n1, m2, s2, n2) {
  list(mean_1 = m1, sd_1 = s1, n_1 = n1, mean_2 = m2, sd_2 = s2, n_2 = n2)
}

bcg <- dat.bcg
egger <- subset(dat.egger2001, id != 16) # without ISIS-4, which outweighs the rest together
yusuf <- subset(dat.yusuf1985, table == 6 & !is.na(ai))
normand <- dat.normand1999
gibson <- subset(dat.gibson2002, complete.cases(m1i, sd1i, n1i, m2i, sd2i, n2i))

tables <- list(
  bcg = with(bcg, counts(tpos, tpos + tneg, cpos, cpos + cneg)),
  collins1985a = with(subset(dat.collins1985a, !is.na(b.xti)), counts(b.xti, nti, b.xci, nci)),
  egger2001 = with(egger, counts(ai, n1i, ci, n2i)),
  hine1989 = with(dat.hine1989, counts(ai, n1i, ci, n2i)),
  nielweise2007 = with(dat.nielweise2007, counts(ai, n1i, ci, n2i)),
  yusuf1985 = with(yusuf, counts(ai, n1i, ci, n2i))
)
arms <- list(
  gibson2002 = with(gibson, means(m1i, sd1i, n1i, m2i, sd2i, n2i)),
  normand1999 = with(normand, means(m1i, sd1i, n1i, m2i, sd2i, n2i))
)
reported <- list(
  bangertdrowns2004 = with(dat.bangertdrowns2004, list(yi = yi, vi = vi)),
  hackshaw1998 = with(dat.hackshaw1998, list(yi = yi, vi = vi)),
  pignon2000 = with(dat.pignon2000, list(o_minus_e = OmE, variance = V)),
  raudenbush1985 = with(dat.raudenbush1985, list(yi = yi, vi = vi))
)
moderators <- list(
  bcg = list(ablat = bcg$ablat, year = bcg$year),
  raudenbush1985 = list(weeks = dat.raudenbush1985$weeks)
)

# ---- the effects ----

effects_of <- function(measure, d) {
  if (measure %in% c("MD", "SMD")) {
    e <- escalc(measure, m1i = d$mean_1, sd1i = d$sd_1, n1i = d$n_1, m2i = d$mean_2, sd2i = d$sd_2, n2i = d$n_2)
  } else {
    e <- escalc(measure, ai = d$events_1, n1i = d$n_1, ci = d$events_2, n2i = d$n_2)
  }
  list(yi = as.numeric(e$yi), vi = as.numeric(e$vi))
}

effect_sets <- list()
for (name in names(tables)) {
  for (measure in c("OR", "RR", "RD", "PETO")) {
    effect_sets[[paste(name, measure)]] <- c(list(data = name, measure = measure), effects_of(measure, tables[[name]]))
  }
}
for (name in names(arms)) {
  for (measure in c("MD", "SMD")) {
    effect_sets[[paste(name, measure)]] <- c(list(data = name, measure = measure), effects_of(measure, arms[[name]]))
  }
}
for (name in names(reported)) {
  d <- reported[[name]]
  if (is.null(d$yi)) d <- list(yi = d$o_minus_e / d$variance, vi = 1 / d$variance)
  effect_sets[[paste(name, "GEN")]] <- c(list(data = name, measure = "GEN"), d)
}

# ---- the models ----

tight <- function(vi) list(threshold = 1e-13 * median(vi), tol = 1e-15 * median(vi), maxiter = 10000)
fit <- function(e, method, test = "z", mods = NULL) {
  arguments <- list(yi = e$yi, vi = e$vi, method = method, test = test, control = tight(e$vi))
  if (!is.null(mods)) arguments$mods <- do.call(cbind, mods)
  do.call(rma, arguments)
}
coefficients_of <- function(r) {
  list(
    coefficients = I(as.numeric(r$beta)), se = I(r$se), statistic = I(r$zval), p = I(r$pval),
    ci_low = I(r$ci.lb), ci_high = I(r$ci.ub)
  )
}
model_of <- function(r) {
  c(
    list(k = r$k, tau2 = r$tau2, tau2_se = r$se.tau2, i2 = r$I2, h2 = r$H2, q = r$QE, q_p = r$QEp),
    if (r$method == "REML") list(log_likelihood = as.numeric(logLik(r, REML = TRUE))),
    if (r$p > 1) list(r2 = r$R2, qm = r$QM, qm_df = r$QMdf[[1]], qm_p = r$QMp),
    coefficients_of(r)
  )
}
prediction_of <- function(r) {
  p <- predict(r)
  list(pi_low = p$pi.lb, pi_high = p$pi.ub)
}
tau2_interval_of <- function(e, r) {
  found <- confint(r, type = "QP", control = list(tol = 1e-15 * median(e$vi), maxiter = 10000))
  if (found$ci.null) return(list(empty = TRUE))
  interval <- found$random
  row <- function(name, side) interval[[name, side]]
  list(
    tau2_low = row("tau^2", "ci.lb"), tau2_high = row("tau^2", "ci.ub"),
    i2_low = row("I^2(%)", "ci.lb"), i2_high = row("I^2(%)", "ci.ub"),
    h2_low = row("H^2", "ci.lb"), h2_high = row("H^2", "ci.ub")
  )
}
leave_one_out_of <- function(r) {
  l <- leave1out(r)
  out <- list(
    estimate = I(l$estimate), se = I(l$se), ci_low = I(l$ci.lb), ci_high = I(l$ci.ub), q = I(l$Q), i2 = I(l$I2)
  )
  if (r$method != "EE") out$tau2 <- I(l$tau2)
  out
}
egger_of <- function(r, model) {
  t <- regtest(r, model = model, predictor = "sei")
  out <- list(statistic = t$zval, p = t$pval, limit = as.numeric(t$est), limit_low = t$ci.lb, limit_high = t$ci.ub)
  if (!is.na(t$dfs)) out$df <- t$dfs
  out
}
# trimfill() does not hand the tight control on, so the filled effects are fitted once more with it.
filled_of <- function(e, r, estimator) {
  t <- trimfill(r, estimator = estimator)
  again <- rma(as.numeric(t$yi), t$vi, method = r$method, control = tight(e$vi))
  out <- list(
    k0 = t$k0, k0_se = t$se.k0, side = t$side,
    estimate = as.numeric(again$beta), se = again$se, ci_low = again$ci.lb, ci_high = again$ci.ub
  )
  if (r$method != "EE") out$tau2 <- again$tau2
  if (estimator == "R0") out$k0_p <- t$p.k0
  out
}

cases <- list()
add <- function(id, call, results) cases[[length(cases) + 1]] <<- c(list(id = id, call = call), results)

for (name in names(effect_sets)) {
  e <- effect_sets[[name]]
  for (method in c("EE", "DL", "REML", "PM")) {
    r <- fit(e, method)
    results <- list(effects = name, method = method, test = "z", model = model_of(r))
    if (method != "EE") results$prediction <- prediction_of(r)
    if (method == "REML") results$tau2_interval <- tau2_interval_of(e, r)
    add(paste(name, method), sprintf("rma(yi, vi, method=\"%s\")", method), results)
  }
  for (test in c("knha", "adhoc")) {
    r <- fit(e, "REML", test)
    results <- list(
      effects = name, method = "REML", test = test, model = coefficients_of(r), prediction = prediction_of(r)
    )
    add(paste(name, "REML", test), sprintf("rma(yi, vi, method=\"REML\", test=\"%s\")", test), results)
  }
}

main_measure <- c(
  bcg = "RR", collins1985a = "OR", egger2001 = "OR", hine1989 = "RD", nielweise2007 = "OR", yusuf1985 = "PETO",
  gibson2002 = "SMD", normand1999 = "MD", bangertdrowns2004 = "GEN", hackshaw1998 = "GEN", pignon2000 = "GEN",
  raudenbush1985 = "GEN"
)
for (data in names(main_measure)) {
  name <- paste(data, main_measure[[data]])
  e <- effect_sets[[name]]
  for (method in c("EE", "DL", "REML")) {
    r <- fit(e, method)
    shared <- list(effects = name, method = method)
    tag <- paste(name, method)
    add(paste(tag, "leave1out"), "leave1out(fit)", c(shared, list(leave_one_out = leave_one_out_of(r))))
    for (estimator in c("L0", "R0")) {
      call <- sprintf("trimfill(fit, estimator=\"%s\")", estimator)
      filled <- list(estimator = estimator, trim_and_fill = filled_of(e, r, estimator))
      add(paste(tag, "trimfill", estimator), call, c(shared, filled))
    }
    tested <- list(egger_model = "rma", egger = egger_of(r, "rma"))
    add(paste(tag, "regtest rma"), "regtest(fit, model=\"rma\")", c(shared, tested))
  }
  tested <- list(effects = name, egger_model = "lm", egger = egger_of(r, "lm"))
  add(paste(name, "regtest lm"), "regtest(fit, model=\"lm\")", tested)
}

for (data in names(moderators)) {
  name <- paste(data, main_measure[[data]])
  e <- effect_sets[[name]]
  for (method in c("EE", "DL", "REML", "PM")) {
    for (test in if (method == "REML") c("z", "knha") else "z") {
      r <- fit(e, method, test, moderators[[data]])
      columns <- paste(names(moderators[[data]]), collapse = " + ")
      call <- sprintf("rma(yi, vi, mods=~%s, method=\"%s\", test=\"%s\")", columns, method, test)
      results <- list(
        effects = name, moderators = I(names(moderators[[data]])), method = method, test = test, model = model_of(r)
      )
      if (method == "REML" && test == "z") results$tau2_interval <- tau2_interval_of(e, r)
      add(paste(name, "~", columns, method, test), call, results)
    }
  }
}

# Tables without events or without non-events have no effect of their own; metafor warns of them and leaves them out
# of Q.
pooled_of <- function(r) {
  list(
    k = r$k, k_q = r$k.yi, estimate = as.numeric(r$beta), se = r$se, statistic = r$zval, p = r$pval,
    ci_low = r$ci.lb, ci_high = r$ci.ub, q = r$QE, q_p = r$QEp
  )
}
for (data in names(tables)) {
  d <- tables[[data]]
  for (measure in c("OR", "RR", "RD")) {
    r <- suppressWarnings(
      rma.mh(measure = measure, ai = d$events_1, n1i = d$n_1, ci = d$events_2, n2i = d$n_2, correct = FALSE)
    )
    call <- sprintf("rma.mh(measure=\"%s\", correct=FALSE)", measure)
    add(paste(data, measure, "MH"), call, list(data = data, measure = measure, pooled = pooled_of(r)))
  }
  r <- suppressWarnings(rma.peto(ai = d$events_1, n1i = d$n_1, ci = d$events_2, n2i = d$n_2))
  add(paste(data, "PETO pooled"), "rma.peto()", list(data = data, measure = "PETO", pooled = pooled_of(r)))
}

about <- list(
  generator = "Rscript generate.R", generated = generated,
  R = paste(R.version$major, R.version$minor, sep = "."), metafor = as.character(packageVersion("metafor")),
  metadat = as.character(packageVersion("metadat")), numbers = "the fewest digits that identify the double"
)
line_each <- function(x) {
  entries <- paste0(vapply(names(x), encode, ""), ":", vapply(x, encode, ""), collapse = ",\n")
  paste0("{\n", entries, "\n}")
}
text <- paste0(
  "{\"about\":", encode(about), ",\n",
  "\"data\":", line_each(c(tables, arms, reported)), ",\n",
  "\"moderators\":", line_each(moderators), ",\n",
  "\"effects\":", line_each(effect_sets), ",\n",
  "\"cases\":[\n", paste(vapply(cases, encode, ""), collapse = ",\n"), "\n]}\n"
)
connection <- file(target, "wb")
writeBin(charToRaw(enc2utf8(text)), connection)
close(connection)
