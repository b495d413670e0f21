package terraform

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// DiagnosticSummary is the first line of a provider's error. Terraform passes texts only, so the code travels in it.
func DiagnosticSummary(what string, code fault.Code) string {
	return fmt.Sprintf("%s [%s]", what, code)
}

var diagnosticCode = func() *regexp.Regexp {
	var codes []string
	for _, code := range fault.Codes() {
		codes = append(codes, regexp.QuoteMeta(string(code)))
	}
	return regexp.MustCompile(`\[(` + strings.Join(codes, "|") + `)\]`)
}()

// terraformFault gives an error of a Terraform operation its code and a message that fits on a screen.
//
// A cancelled operation is asked about first: terraform-exec's error then may have no text and must not be printed.
func terraformFault(ctx context.Context, operation, dir string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return &fault.Error{Code: fault.Unavailable, Message: fmt.Sprintf("terraform %s in %s was interrupted", operation, dir), Cause: ctx.Err()}
	}
	text := err.Error()
	code := fault.Internal
	switch {
	case diagnosticCode.MatchString(text):
		code = weakest(diagnosticCode.FindAllStringSubmatch(text, -1))
	case strings.Contains(text, "Invalid value for variable"):
		code = fault.Invalid
	}
	return fault.New(code, "terraform %s in %s: %s", operation, dir, unframe(text))
}

// weakest chooses among the codes of several diagnostics: one that trying again may cure wins, as the others may only
// follow from it.
func weakest(found [][]string) fault.Code {
	code := fault.Code(found[0][1])
	for _, match := range found[1:] {
		if next := fault.Code(match[1]); fault.Permanent(code) && !fault.Permanent(next) {
			code = next
		}
	}
	return code
}

// maxText bounds an error's text: it enters a workflow's history.
const maxText = 2000

// unframe takes Terraform's box drawing and empty lines away.
func unframe(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "│╷╵")); line != "" {
			lines = append(lines, line)
		}
	}
	text = strings.Join(lines, "\n")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
