package terraform

import (
	"context"
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
)

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
	code, codes := fault.Internal, contract.DiagnosticCodes(text)
	switch {
	case len(codes) > 0:
		code = weakest(codes)
	case strings.Contains(text, "Invalid value for variable"):
		code = fault.Invalid
	}
	return fault.New(code, "terraform %s in %s: %s", operation, dir, unframe(text))
}

// weakest chooses among the codes of several diagnostics: one that trying again may cure wins, as the others may only
// follow from it.
func weakest(codes []fault.Code) fault.Code {
	weakest := codes[0]
	for _, code := range codes[1:] {
		if fault.Permanent(weakest) && !fault.Permanent(code) {
			weakest = code
		}
	}
	return weakest
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
