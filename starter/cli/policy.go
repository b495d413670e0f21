package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// shownPolicy is a policy for programs: the document, when a spec first declared it, and what decides under it.
type shownPolicy struct {
	Model        string          `json:"model"`
	Digest       string          `json:"digest"`
	Document     json.RawMessage `json:"document"`
	RegisteredAt time.Time       `json:"registered_at"`
	// Aliases are those of the tracks that decide under it: champion, challenger, previous.
	Aliases []string `json:"aliases"`
	// Newest says that the newest spec declares it: a delivery takes it.
	Newest bool `json:"newest"`
}

// registeredPolicies are the policies that the specs of a model's pipeline declared, newest first; one that was declared again stands where it was
// last.
func registeredPolicies(ctx context.Context, reg registry.Registry, model string) ([]shownPolicy, error) {
	history, err := reg.PipelineHistory(ctx, model)
	if err != nil {
		return nil, err
	}
	if len(history) == 0 {
		return nil, fault.New(fault.NotFound, "there is no pipeline %q; `loanops pipelines list` shows those that there are", model)
	}
	serves, err := reg.Serving(ctx, model, serving.Production)
	if err != nil {
		return nil, err
	}
	var policies []shownPolicy
	for i, spec := range history {
		at := slices.IndexFunc(policies, func(p shownPolicy) bool { return p.Digest == spec.Policy.Digest })
		if at >= 0 {
			policies[at].RegisteredAt = spec.CreatedAt
			continue
		}
		policies = append(policies, shownPolicy{
			Model: model, Digest: spec.Policy.Digest, Document: spec.Policy.Document, RegisteredAt: spec.CreatedAt,
			Aliases: policyAliases(serves, spec.Policy.Digest), Newest: i == 0,
		})
	}
	return policies, nil
}

// policies reads them from the platform's registry.
func (a *app) policies(ctx context.Context, model string) ([]shownPolicy, error) {
	reg, _, err := a.registry(ctx)
	if err != nil {
		return nil, err
	}
	defer reg.Close()
	return registeredPolicies(ctx, reg, model)
}

// policyAliases are the aliases of the tracks that decide under a policy.
func policyAliases(r serving.Record, digest string) []string {
	aliases := []string{}
	for _, of := range []struct {
		alias string
		track *serving.Track
	}{{serving.ChampionAlias, r.Champion}, {serving.ChallengerAlias, r.Challenger}, {serving.PreviousAlias, r.Previous}} {
		if of.track != nil && of.track.Policy == digest {
			aliases = append(aliases, of.alias)
		}
	}
	return aliases
}

func (a *app) policyShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show MODEL [DIGEST]", Short: "Show a policy (default: the champion's, before the first one the newest spec's)", Args: between(1, 2),
		Example: "  loanops policy show loan-eligibility\n  loanops policy show loan-eligibility 18f9fda9",
		RunE: func(c *cobra.Command, args []string) error {
			policies, err := a.policies(c.Context(), args[0])
			if err != nil {
				return err
			}
			p, err := choosePolicy(policies, args[1:])
			if err != nil {
				return err
			}
			return a.print(p, func() { a.describePolicy(p) })
		},
	}
}

// choosePolicy is the one that a digest, or how it begins, names, else the champion's, else the newest spec's.
func choosePolicy(policies []shownPolicy, named []string) (shownPolicy, error) {
	if len(named) == 0 {
		champions := func(p shownPolicy) bool { return slices.Contains(p.Aliases, serving.ChampionAlias) }
		return policies[max(0, slices.IndexFunc(policies, champions))], nil
	}
	digests := make([]string, len(policies))
	for i, p := range policies {
		digests[i] = p.Digest
	}
	digest, err := registry.PolicyNamed(policies[0].Model, digests, named[0])
	if err != nil {
		return shownPolicy{}, err
	}
	return policies[slices.Index(digests, digest)], nil
}

func (a *app) describePolicy(p shownPolicy) {
	policy, readable := p.read()
	if !readable {
		fmt.Fprintf(a.out, "%s\n", p.Document)
		return
	}
	fmt.Fprintf(a.out, "policy of %s, registered %s%s\ndigest %s\ncutoff %v\n\n", p.Model, p.RegisteredAt.Format(timeLayout), inParentheses(p.uses()), p.Digest, policy.Cutoff)
	rows := [][]string{{"FIELD", "REASON"}}
	for _, field := range sortedKeys(policy.Reasons) {
		rows = append(rows, []string{field, policy.Reasons[field]})
	}
	a.table(rows)
}

// read is the policy; one of a later version of this command is not readable.
func (p shownPolicy) read() (decision.Policy, bool) {
	policy, err := registry.Policy{Digest: p.Digest, Document: p.Document}.Read()
	return policy, err == nil
}

// uses says who decides under the policy, and whether a delivery would take it.
func (p shownPolicy) uses() []string {
	if p.Newest {
		return append(slices.Clone(p.Aliases), "newest spec")
	}
	return p.Aliases
}

func inParentheses(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return " (" + strings.Join(texts, ", ") + ")"
}

func (a *app) policyHistoryCommand() *cobra.Command {
	return &cobra.Command{
		Use: "history MODEL", Short: "List the policies that specs declared, newest first, and what decides under them", Args: between(1, 1),
		Example: "  loanops policy history loan-eligibility",
		RunE: func(c *cobra.Command, args []string) error {
			policies, err := a.policies(c.Context(), args[0])
			if err != nil {
				return err
			}
			rows := [][]string{{"DIGEST", "REGISTERED", "CUTOFF", "REASONS", "USED BY"}}
			for _, p := range policies {
				cutoff, texts := "–", "–"
				if policy, readable := p.read(); readable {
					cutoff, texts = strconv.FormatFloat(policy.Cutoff, 'g', -1, 64), strconv.Itoa(len(policy.Reasons))
				}
				rows = append(rows, []string{p.Digest[:12], p.RegisteredAt.Format(timeLayout), cutoff, texts, strings.Join(p.uses(), ", ")})
			}
			return a.print(policies, func() { a.table(rows) })
		},
	}
}
