package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCodeInWords(t *testing.T) {
	for want, code := range map[string]Code{
		"":                          {},
		"v1.2.0":                    {Version: "v1.2.0", Go: "go1.26.8"},
		"0c622a7e2b44":              {Version: "(devel)", Revision: "0c622a7e2b44aa"},
		"0c622a7e2b44 with changes": {Revision: "0c622a7e2b44aa", Modified: true},
		"0c6":                       {Revision: "0c6"},
	} {
		require.Equal(t, want, code.String())
	}
}
