/* Pages with tables and figures. */
#include "page.h"

#include <math.h>

enum { LONG_TABLE = 24 }; /* rows that are read at a glance */

static const char style[] =
    "body{font:15px/1.5 system-ui,'Segoe UI','Helvetica "
    "Neue',Arial,sans-serif;color:#20262e;background:#fff;max-width:980px;"
    "margin:32px auto;padding:0 20px}"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:36px 0 8px;border-bottom:1px solid "
    "#dfe3e8;padding-bottom:4px}"
    "h3{font-size:15px;margin:18px 0 4px}p{margin:6px 0}.note{color:#5b6470;font-size:13px}"
    "table{border-collapse:collapse;font-size:13px;margin:10px 0;font-variant-numeric:tabular-nums}"
    "th,td{padding:3px 12px 3px "
    "0;text-align:right;white-space:nowrap}th{color:#5b6470;font-weight:600;border-bottom:1px solid #c9cfd6}"
    "th.l,td.l{text-align:left}tr+tr td{border-top:1px solid #eef0f3}"
    ".row{display:flex;flex-wrap:wrap;gap:8px}svg{font:11px system-ui,Arial,sans-serif;fill:#39414b;max-width:100%}"
    ".legend{paint-order:stroke;stroke:#fff;stroke-width:3px}.empty{width:308px;color:#5b6470;font-size:13px;"
    "align-self:center;text-align:center}details summary{cursor:pointer;font-size:13px;margin:8px 0}"
    ".head{font-weight:600;font-size:12px}.grid{stroke:#eceff2}.tick{stroke:#98a1ab}.frame{fill:none;stroke:#98a1ab}"
    ".good{color:#2c7a3f;font-weight:600}.bad{color:#b3261e;font-weight:600}.grey{color:#8a6d1f;font-weight:600}";

void TpPageBegin(const TpPage *page, const char *title)
{
  fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>", page->file);
  TpWriteEscaped(page->file, title);
  fprintf(page->file, "</title>\n<style>%s</style>\n</head>\n<body>\n<h1>", style);
  TpWriteEscaped(page->file, title);
  fprintf(page->file, "</h1>\n<p class=\"note\">%s</p>\n", TpVersionLine());
}

void TpPageEnd(const TpPage *page)
{
  fputs("</body>\n</html>\n", page->file);
}

void TpPageSection(const TpPage *page, const char *id, const char *title)
{
  fprintf(page->file, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

void TpPageSectionEnd(const TpPage *page)
{
  fputs("</section>\n", page->file);
}

void TpPageRow(const TpPage *page)
{
  fputs("<div class=\"row\">\n", page->file);
}

void TpPageRowEnd(const TpPage *page)
{
  fputs("</div>\n", page->file);
}

void TpPageTable(const TpPage *page, PetscInt num, const char *const heads[])
{
  fputs("<table>\n<tr>", page->file);
  for (PetscInt i = 0; i < num; ++i)
    fprintf(page->file, heads[i][0] == '<' ? "<th class=\"l\">%s</th>" : "<th>%s</th>",
            heads[i] + (heads[i][0] == '<' ? 1 : 0));
  fputs("</tr>\n", page->file);
}

void TpPageTableEnd(const TpPage *page)
{
  fputs("</table>\n", page->file);
}

void TpPageLongTable(const TpPage *page, PetscInt num, const char *const heads[], PetscInt rows, const char *what)
{
  if (rows > LONG_TABLE) fprintf(page->file, "<details><summary>%s: table of %d rows</summary>\n", what, (int)rows);
  TpPageTable(page, num, heads);
}

void TpPageLongTableEnd(const TpPage *page, PetscInt rows)
{
  TpPageTableEnd(page);
  if (rows > LONG_TABLE) fputs("</details>\n", page->file);
}

void TpPageCell(const TpPage *page, double value, double error)
{
  const int digits = isfinite(error) && error > 0.0 ? (int)PetscMin(PetscMax(1.0 - floor(log10(error)), 0.0), 12.0) : 4;

  if (!isfinite(value))
    fputs("<td>-</td>", page->file);
  else if (isfinite(error) && error > 0.0)
    fprintf(page->file, "<td>%.*f &#177; %.*f</td>", digits, value, digits, error);
  else
    fprintf(page->file, "<td>%.6g</td>", value);
}

void TpPageCellText(const TpPage *page, const char *style_class, const char *text)
{
  fprintf(page->file, "<td class=\"%s\">", style_class);
  TpWriteEscaped(page->file, text);
  fputs("</td>", page->file);
}

TpPlot TpPagePlot(TpPage *page, const char *title, const char *x_label, const char *y_label)
{
  return (TpPlot){.file    = page->file,
                  .title   = title,
                  .x_label = x_label,
                  .y_label = y_label,
                  .width   = 460,
                  .height  = 300,
                  .y_high  = 1.0,
                  .num     = page->num_plots++};
}
