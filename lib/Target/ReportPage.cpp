// A frame of HTML around the report's JSON. Style and scripts, which draw everything, are the files in ReportPage/.
#include "lib/Target/ReportPage.h"

#include "lib/Target/ReportPageText.inc"

using namespace llvm;

namespace nnc {

bool isReportPage(StringRef path) { return path.ends_with_insensitive(".html") || path.ends_with_insensitive(".htm"); }

/// JSON in which nothing is markup: these characters occur in strings only, where they may be written by number.
static std::string protect(StringRef json) {
  std::string safe;
  for (char c : json) {
    if (c == '<')
      safe += "\\u003c";
    else if (c == '>')
      safe += "\\u003e";
    else if (c == '&')
      safe += "\\u0026";
    else if (c == '\x7f')
      safe += "\\u007f";
    else
      safe += c;
  }
  return safe;
}

void writeReportPage(raw_ostream &os, StringRef report) {
  // No script but this page's own, no request of any kind.
  os << "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head><meta charset=\"utf-8\"/>"
     << "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
     << "script-src 'unsafe-inline'\"/><meta name=\"viewport\" content=\"width=device-width\"/>"
     << "<title>nnc report</title>\n<style>\n/*<![CDATA[*/\n"
     << reportPageStyle
     << "/*]]>*/\n</style></head>\n<body>\n<noscript><p>This page draws itself: it needs JavaScript, "
     << "from this file only.</p></noscript>\n<main id=\"page\"></main>\n<script type=\"application/json\" "
        "id=\"report\">"
     << protect(report) << "</script>\n<script>\n//<![CDATA[\n\"use strict\";\n"
     << reportPageScript << "//]]>\n</script>\n</body>\n</html>\n";
}

} // namespace nnc
