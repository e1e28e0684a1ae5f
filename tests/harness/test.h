/**
  The test harness: a test is silent when it succeeds and returns non-zero when it does not.

    int main(int argc, char **argv)
    {
      TpTestBegin(&argc, &argv);
      TpTestCall(check_something());   // a function that returns PetscErrorCode
      return TpTestEnd();              // agrees over all ranks
    }

  Inside, TpTestExpect...() count failures and print rank, file, line and values; they never stop the test.
  A test that can't run here calls TpTestSkip("why") and returns its value: status 77, which meson counts as skipped.
  Files that a test needs for a moment: TpTestFileWrite(), TpTestFileRemove().
**/
#pragma once

#include "tempera/base.h"

void TpTestBegin(int *argc, char ***argv);
int  TpTestEnd(void);
int  TpTestSkip(const char *reason);

/* Use the macros below. */
void TpTestCheck(int ok, const char *file, int line, const char *format, ...) PETSC_ATTRIBUTE_FORMAT(4, 5);
void TpTestCheckEqual(long long value, long long expected, const char *text, const char *file, int line);
void TpTestCheckClose(double value, double expected, double tolerance, const char *text, const char *file, int line);
void TpTestCheckText(const char *text, const char *part, const char *file, int line);

/** A condition that must hold. **/
#define TpTestExpect(condition) TpTestCheck(!!(condition), __FILE__, __LINE__, "expected: %s", #condition)

/** A condition that must hold, with a printf-style line that shows the values. **/
#define TpTestExpectThat(condition, ...) TpTestCheck(!!(condition), __FILE__, __LINE__, __VA_ARGS__)

/** |value - expected| <= tolerance; NaN never passes. **/
#define TpTestExpectClose(value, expected, tolerance)                                                                  \
  TpTestCheckClose((double)(value), (double)(expected), (double)(tolerance), #value, __FILE__, __LINE__)

/** Equal integers. **/
#define TpTestExpectEqual(value, expected)                                                                             \
  TpTestCheckEqual((long long)(value), (long long)(expected), #value, __FILE__, __LINE__)

/** The text contains the part. **/
#define TpTestExpectText(text, part) TpTestCheckText(text, part, __FILE__, __LINE__)

/** A call that must succeed. **/
#define TpTestCall(call)                                                                                               \
  do {                                                                                                                 \
    PetscErrorCode test_code_ = (call);                                                                                \
    TpTestCheck(test_code_ == 0, __FILE__, __LINE__, "%s failed: code %d %s", #call, (int)test_code_,                  \
                TpInputErrorMessage());                                                                                \
  } while (0)

/** A call that must fail with TP_ERR_INPUT and a line that contains `part`. **/
#define TpTestExpectInputError(call, part)                                                                             \
  do {                                                                                                                 \
    TpInputErrorClear();                                                                                               \
    PetscErrorCode test_code_ = (call);                                                                                \
    TpTestCheck(test_code_ == TP_ERR_INPUT, __FILE__, __LINE__, "%s: code %d, expected TP_ERR_INPUT", #call,           \
                (int)test_code_);                                                                                      \
    TpTestExpectText(TpInputErrorMessage(), part);                                                                     \
    TpInputErrorClear();                                                                                               \
  } while (0)

/** A file of a test's own in /tmp. **/
typedef struct {
  char path[64];
} TpTestFile;

/** Make a file that holds `text`. Not collective: every rank that calls gets its own. **/
PetscErrorCode TpTestFileWrite(const char *text, TpTestFile *file);

/** Remove it. **/
PetscErrorCode TpTestFileRemove(const TpTestFile *file);
