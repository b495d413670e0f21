package expression

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/loanops/loanops/internal/fault"
)

// Limits of an expression.
const (
	// MaxBytes is the longest text.
	MaxBytes = 2000
	// maxNodes is how many operations, names and values there are at most. It bounds the time of an evaluation.
	maxNodes = 500
	// maxList is how many values a list has at most.
	maxList = 100
)

// parse makes a tree of the text.
func parse(text string) (ast.Node, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, fault.New(fault.Invalid, "1:1: there is nothing in it; an expression such as loan_amount / annual_income is wanted")
	case len(text) > MaxBytes:
		return nil, fault.New(fault.Invalid, "1:1: it has %d bytes; at most %d are wanted", len(text), MaxBytes)
	case !utf8.ValidString(text):
		return nil, fault.New(fault.Invalid, "1:1: it is not valid UTF-8")
	}
	tree, err := parser.Parse(text)
	var wrong *file.Error
	switch {
	case errors.As(err, &wrong):
		return nil, fault.New(fault.Invalid, "%s: %s", place(text, wrong.From), wrong.Message)
	case err != nil:
		return nil, fault.New(fault.Invalid, "1:1: %s", err)
	}
	return tree.Node, nil
}

// place is line:column of the character that so many stand before.
func place(text string, before int) string {
	line, column := 1, 1
	for _, r := range text {
		if before <= 0 {
			break
		}
		before--
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return fmt.Sprintf("%d:%d", line, column)
}
