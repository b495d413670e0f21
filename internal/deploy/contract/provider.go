package contract

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// ProviderVersion is the version of the Terraform provider, under which a workspace installs it.
const ProviderVersion = "0.1.0"

// DiagnosticSummary is the first line of the provider's error. Terraform passes texts only, so the code travels in it.
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

// DiagnosticCodes finds the codes of the summaries in what Terraform printed, in their order.
func DiagnosticCodes(text string) []fault.Code {
	var found []fault.Code
	for _, match := range diagnosticCode.FindAllStringSubmatch(text, -1) {
		found = append(found, fault.Code(match[1]))
	}
	return found
}
