/*
  A page that stands alone: headings, tables, figures, one style. What `tempera analyze` and `tempera ti` write their reports with.

    TpPageBegin()  { TpPageSection()  ...  TpPageSectionEnd() }  TpPageEnd()

  Within a section: paragraphs by fprintf(), tables cell by cell, rows of plots (svg.h).
*/
#pragma once

#include "svg.h"

typedef struct {
  FILE    *file;
  PetscInt num_plots; /* so far: makes their names unique */
} TpPage;

/** The head of the page and its heading, plain text. **/
void TpPageBegin(const TpPage *page, const char *title);
void TpPageEnd(const TpPage *page);

void TpPageSection(const TpPage *page, const char *id, const char *title);
void TpPageSectionEnd(const TpPage *page);

/** Plots beside each other, as many as fit. **/
void TpPageRow(const TpPage *page);
void TpPageRowEnd(const TpPage *page);

/** Begin a table; heads that begin with '<' are aligned left. Rows are "<tr>" cells "</tr>". **/
void TpPageTable(const TpPage *page, PetscInt num, const char *const heads[]);
void TpPageTableEnd(const TpPage *page);

/** As TpPageTable(), for a table that may be too long to read: from 25 rows on it is folded away, under a line that says what it is. **/
void TpPageLongTable(const TpPage *page, PetscInt num, const char *const heads[], PetscInt rows, const char *what);
void TpPageLongTableEnd(const TpPage *page, PetscInt rows);

/** A number with its error, with as many digits as the error has two of; without (0, NaN): six digits. **/
void TpPageCell(const TpPage *page, double value, double error);
void TpPageCellText(const TpPage *page, const char *style_class, const char *text);

/** An empty plot of the usual size. **/
TpPlot TpPagePlot(TpPage *page, const char *title, const char *x_label, const char *y_label);
