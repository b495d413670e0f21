package predictor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// Wanted values by another program: the first 8 bytes of the SHA-256 of purpose, income, debt and home, each as 0 where it is missing, 1 with length and
// text, or 2 with the number's bits. Whatever process answers, an application has one name.
func TestAnApplicationIsNamedByItsDeclaredFields(t *testing.T) {
	const rented, boat, owned = "1ec75cec21148bf6", "33f94055d4ee05f8", "da732b2ffb627ac1"
	one, other := handler(t, bundle(t)), handler(t, bundle(t))
	for body, want := range map[string]string{
		`{"debt": 3, "income": 150, "home": "rent"}`:                                                          rented,
		"{\"home\":\"rent\",\n\t\"debt\":3.0,\"income\":1.5e2}":                                               rented,
		`{"debt": 3, "income": 150, "home": "\u0072ent", "purpose": null}`:                                    rented,
		`{"debt": 3, "income": 150, "home": "rent", "application_date": "2026-06-30", "application_id": "A"}`: rented,
		`{"application_date": "2026-07-01", "debt": 3, "income": 150, "home": "rent"}`:                        rented,
		`{"debt": 3, "income": 150, "home": "rent", "purpose": "a boat"}`:                                     boat,
		`{"debt": 0, "home": "own"}`:                                                                          owned,
		`{"debt": -0, "income": null, "home": "own"}`:                                                         owned,
	} {
		require.Equal(t, want, post(one, "/v1/decisions", body).Header().Get("LoanOps-Application"), body)
		require.Equal(t, want, post(other, "/v1/decisions", body).Header().Get("LoanOps-Application"), body)
	}
	seen := map[string]bool{rented: true}
	for _, body := range []string{
		`{"debt": 3.0000000000000004, "income": 150, "home": "rent"}`, `{"debt": 3, "income": 151, "home": "rent"}`,
		`{"debt": 3, "income": 0, "home": "rent"}`, `{"debt": 3, "home": "rent"}`, `{"debt": 3, "income": 150, "home": "own"}`,
		`{"debt": 3, "income": 150, "home": "rent", "purpose": "boat"}`,
	} {
		name := post(one, "/v1/decisions", body).Header().Get("LoanOps-Application")
		require.Len(t, name, 16)
		require.False(t, seen[name], body)
		seen[name] = true
	}
}

func TestWhatIsNoSingleDecisionNamesNoApplication(t *testing.T) {
	h := handler(t, bundle(t))
	for path, body := range map[string]string{"/v1/decisions": `{"debt": 9, "home": "own"}`, "/v1/decisions/batch": `{"applications": [{"debt": 3, "home": "rent"}]}`} {
		require.NotContains(t, post(h, path, body).Header(), "Loanops-Application", path)
	}
}

// What one text says must not pass for what two do.
func TestNamesTellWhereATextEnds(t *testing.T) {
	t.Parallel()
	fields := []request.Field{{Type: pipeline.Category}, {Type: pipeline.Category}}
	one := []transform.Value{{Text: "a\x01b"}, {Missing: true}}
	two := []transform.Value{{Text: "a"}, {Text: "b\x00"}}
	require.NotEqual(t, identity(fields, one), identity(fields, two))
}
