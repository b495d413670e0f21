package fault_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
)

// declared lists the constants of type Code in fault.go, where all of them are.
func declared(t *testing.T) []fault.Code {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), "fault.go", nil, 0)
	require.NoError(t, err)
	var found []fault.Code
	ast.Inspect(source, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			for _, value := range spec.Values {
				text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				require.NoError(t, err)
				found = append(found, fault.Code(text))
			}
		}
		return true
	})
	return found
}

// A code that is declared and forgotten in the set would not be found again in what Terraform prints.
func TestCodesAreAllThatAreDeclared(t *testing.T) {
	t.Parallel()
	require.Equal(t, declared(t), fault.Codes())
}

// permanent is what docs/architecture.md and the comments of the codes say.
var permanent = map[fault.Code]bool{
	fault.Invalid: true, fault.NotFound: true, fault.Overtaken: true, fault.Refused: true, fault.Unauthorized: true,
	fault.Conflict: false, fault.Unavailable: false, fault.Internal: false,
}

func TestPermanentFaultsAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	for _, code := range fault.Codes() {
		want, known := permanent[code]
		require.True(t, known, code)
		require.Equal(t, want, fault.Permanent(code), code)
	}
	require.False(t, fault.Permanent("of another version"), "what is not known is tried again")
}

func TestMessageAndCause(t *testing.T) {
	t.Parallel()
	err := fault.Wrap(fault.Unavailable, io.ErrUnexpectedEOF, "answer of %s", "the agent")
	require.EqualError(t, err, "answer of the agent: unexpected EOF")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.EqualError(t, fault.New(fault.Invalid, "%d rows", 3), "3 rows")
	require.NoError(t, errors.Unwrap(fault.New(fault.Invalid, "alone")))
}

// A caller may write `return fault.Wrap(…)` without asking.
func TestNilStaysNil(t *testing.T) {
	t.Parallel()
	require.NoError(t, fault.Wrap(fault.Invalid, nil, "reading"))
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want fault.Code
	}{
		"nil":                {nil, fault.Internal},
		"no fault":           {fs.ErrNotExist, fault.Internal},
		"a fault":            {fault.New(fault.Refused, "no"), fault.Refused},
		"inside":             {fmt.Errorf("step: %w", fault.New(fault.Conflict, "busy")), fault.Conflict},
		"joined":             {errors.Join(io.EOF, fault.New(fault.NotFound, "gone")), fault.NotFound},
		"the outermost":      {&fault.Error{Code: fault.Invalid, Message: "x", Cause: fault.New(fault.NotFound, "y")}, fault.Invalid},
		"without its %w":     {fmt.Errorf("step: %v", fault.New(fault.Conflict, "busy")), fault.Internal}, //nolint:errorlint // what is tested
		"wrapped without":    {fault.Wrap(fault.Unavailable, io.EOF, "read"), fault.Unavailable},
		"wrapped with":       {fault.Wrap(fault.Unavailable, fault.New(fault.Invalid, "x"), "read"), fault.Invalid},
		"wrapped far inside": {fault.Wrap(fault.Unavailable, fmt.Errorf("a: %w", fault.New(fault.Refused, "x")), "b"), fault.Refused},
	} {
		require.Equal(t, test.want, fault.CodeOf(test.err), name)
	}
}

// Who met the fault knows its code; those who only pass it on must not change it. An internal one that became another on its way
// would be shown, or never tried again.
func TestWrapKeepsTheCode(t *testing.T) {
	t.Parallel()
	all := fault.Codes()
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SampledFrom(all).Draw(t, "first")
		err := fault.New(first, "met")
		want := "met"
		for _, code := range rapid.SliceOfN(rapid.SampledFrom(all), 1, 5).Draw(t, "later") {
			err, want = fault.Wrap(code, err, "%s", string(code)), string(code)+": "+want
		}
		require.Equal(t, first, fault.CodeOf(err))
		require.EqualError(t, err, want)
	})
}
