package approval

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Wanted values follow from the rule in words: an approval of one person; under second_person the signature of another person than who started it, of
// two where nobody signed the start.
func TestEnough(t *testing.T) {
	unsigned := func(name string) Approver { return Approver{Name: name} }
	signed := func(name string) Approver { return Approver{Name: name, Signed: true} }
	const second = pipeline.ApprovalSecondPerson
	for name, test := range map[string]struct {
		policy    string
		started   Started
		approvals []Approver
		missing   int
		problem   string
	}{
		"required, nobody":                {pipeline.ApprovalRequired, Started{}, nil, 1, ""},
		"required, unsigned":              {pipeline.ApprovalRequired, Started{}, []Approver{unsigned("ada")}, 0, ""},
		"required, signed":                {pipeline.ApprovalRequired, Started{}, []Approver{signed("ada")}, 0, ""},
		"required, who started":           {pipeline.ApprovalRequired, Started{By: "ada"}, []Approver{signed("ada")}, 0, ""},
		"automatic, asked for":            {pipeline.ApprovalAutomatic, Started{}, []Approver{unsigned("ada")}, 0, ""},
		"signed start, nobody":            {second, Started{By: "ada"}, nil, 1, ""},
		"signed start, unsigned":          {second, Started{By: "ada"}, []Approver{unsigned("grace")}, 1, "the approval of grace is not signed"},
		"signed start, who started":       {second, Started{By: "ada"}, []Approver{signed("ada")}, 1, "ada started this run"},
		"signed start, second person":     {second, Started{By: "ada"}, []Approver{signed("grace")}, 0, ""},
		"signed start, who trained":       {second, Started{By: "ada", Trainer: "grace"}, []Approver{signed("grace")}, 1, "grace started the training of this version"},
		"signed start, trained by ada":    {second, Started{By: "ada", Trainer: "ada"}, []Approver{signed("grace")}, 0, ""},
		"unsigned start, nobody":          {second, Started{}, nil, 2, ""},
		"unsigned start, one":             {second, Started{}, []Approver{signed("ada")}, 1, ""},
		"unsigned start, two":             {second, Started{}, []Approver{signed("ada"), signed("grace")}, 0, ""},
		"unsigned start, one twice":       {second, Started{}, []Approver{signed("ada"), signed("ada")}, 1, "ada has approved already"},
		"unsigned start, one and a name":  {second, Started{}, []Approver{signed("ada"), unsigned("grace")}, 1, "the approval of grace is not signed"},
		"unsigned start, who trained too": {second, Started{Trainer: "ada"}, []Approver{signed("ada"), signed("grace")}, 1, "ada started the training"},
		"unsigned start, two others":      {second, Started{Trainer: "ada"}, []Approver{signed("mary"), signed("grace")}, 0, ""},
		"unsigned start, three":           {second, Started{}, []Approver{signed("ada"), signed("grace"), signed("mary")}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			missing, problems := Enough(test.policy, test.started, test.approvals)
			require.Equal(t, test.missing, missing)
			if test.problem == "" {
				require.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			require.Contains(t, problems[0], test.problem)
		})
	}
}

// However approvals come, under second_person two different people stand behind what goes on, and one at least of them approved by a signature.
func TestTwoPeopleStandBehindWhatGoesOn(t *testing.T) {
	people := []string{"ada", "grace", "mary"}
	rapid.Check(t, func(t *rapid.T) {
		started := Started{
			By:      rapid.SampledFrom(append(people, "")).Draw(t, "started"),
			Trainer: rapid.SampledFrom(append(people, "")).Draw(t, "trained"),
		}
		var approvals []Approver
		behind := map[string]bool{}
		if started.By != "" {
			behind[started.By] = true
		}
		for range rapid.IntRange(0, 5).Draw(t, "approvals") {
			a := Approver{Name: rapid.SampledFrom(people).Draw(t, "who"), Signed: rapid.Bool().Draw(t, "signed")}
			approvals = append(approvals, a)
			if a.Signed && a.Name != started.Trainer {
				behind[a.Name] = true
			}
		}
		missing, _ := Enough(pipeline.ApprovalSecondPerson, started, approvals)
		require.Equal(t, len(behind) >= 2, missing == 0)
	})
}

func TestAnApprovalIsOfThisRunVersionAndPolicy(t *testing.T) {
	require.NoError(t, approves("ada").CheckApproval(delivered))
	for name, test := range map[string]struct {
		spoil func(*Statement)
		want  string
	}{
		"kind":     {func(s *Statement) { s.Kind = Start }, "what is signed is to start, not to approve"},
		"workflow": {func(s *Statement) { s.WorkflowID = "delivery-cards" }, "for another run"},
		"run":      {func(s *Statement) { s.RunID = "run-3" }, "for another run"},
		"model":    {func(s *Statement) { s.Model = "cards" }, "for another version"},
		"version":  {func(s *Statement) { s.Version = 3 }, "for another version: loans version 3 of digest ab12, this is loans version 2"},
		"digest":   {func(s *Statement) { s.Digest = "ff" }, "for another version"},
		"policy":   {func(s *Statement) { s.Policy = "ff" }, "for another policy: ff, this is cd34"},
	} {
		s := approves("ada")
		test.spoil(&s)
		err := s.CheckApproval(delivered)
		require.Equal(t, fault.Refused, fault.CodeOf(err), name)
		require.ErrorContains(t, err, test.want, name)
	}
}

func TestAStartIsOfThisWorkflowAndInput(t *testing.T) {
	require.NoError(t, starts("ada", "ef").CheckStart("training-loans", "loans", "ef"))
	require.ErrorContains(t, approves("ada").CheckStart("delivery-loans", "loans", ""), "is to approve, not to start")
	require.ErrorContains(t, starts("ada", "ef").CheckStart("delivery-loans", "loans", "ef"), "starts training-loans of loans, this is delivery-loans")
	require.ErrorContains(t, starts("ada", "ef").CheckStart("training-loans", "cards", "ef"), "this is training-loans of cards")
	require.ErrorContains(t, starts("ada", "ef").CheckStart("training-loans", "loans", "ee"), "another input")
}
