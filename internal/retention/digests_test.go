package retention_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/retention"
	"github.com/loanops/loanops/internal/sha256hex"
)

func TestDigests(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("a", 64), strings.Repeat("0123456789abcdef", 4)
	for data, want := range map[string][]string{
		"":                                     nil,
		a:                                      {a},
		`{"sha256":"` + a + `"}`:               {a},
		"s3://x/artifacts/" + b + ".json " + a: {b, a},
		a + " " + a:                            {a}, // told once
		a + "a":                                nil, // longer
		a[1:]:                                  nil,
		strings.ToUpper(a):                     nil,
		"x" + b + "g":                          {b},
	} {
		require.Equal(t, want, retention.Digests([]byte(data)), data)
	}
}

// Every form in which something names objects is read: references, manifests of datasets, and maps of references at any depth.
func TestDigestsOfWhateverNamesObjects(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		draw := rapid.Custom(func(t *rapid.T) string {
			digest := sha256hex.Of([]byte(rapid.String().Draw(t, "content")))
			want = append(want, digest)
			return digest
		})
		ref := func() artifact.Ref {
			digest := draw.Draw(t, "ref")
			return artifact.Ref{URI: "s3://loanops/artifacts/sha256/" + digest[:2] + "/" + digest + ".json", SHA256: digest, Bytes: 3}
		}
		manifest := dataset.Manifest{Columns: []dataset.Field{{Name: "a"}}}
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			manifest.Parts = append(manifest.Parts, dataset.Part{SHA256: draw.Draw(t, "part")})
		}
		data, err := json.Marshal(map[string]any{"a": ref(), "b": []any{map[string]artifact.Ref{"c": ref()}}, "d": manifest})
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, digest := range retention.Digests(data) {
			found[digest] = true
		}
		for _, digest := range want {
			if !found[digest] {
				t.Fatalf("%s is not found in %s", digest, data)
			}
		}
	})
}
