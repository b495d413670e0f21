package approval

import (
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
)

// Approver is somebody who approved; Signed says that their signature was verified.
type Approver struct {
	Name   string
	Signed bool
}

// Started is who is known, by a signature that was verified, to have started what is to be approved.
type Started struct {
	By      string `json:"by,omitempty"`      // of the delivery, or of the training that it is a part of; empty: nobody who signed
	Trainer string `json:"trainer,omitempty"` // of the training that made the version; empty: nobody who signed
}

// Enough counts approvals under deploy.approval: how many are missing, and what is wrong with those that do not count.
//
//	automatic, required   one, signed or not
//	second_person         one signed by another person than who started, where the start is signed; else by two different people
//
// Under second_person nobody approves what they started or trained, and nobody twice.
func Enough(policy string, started Started, approvals []Approver) (missing int, problems []string) {
	if policy != pipeline.ApprovalSecondPerson {
		return max(0, 1-len(approvals)), nil
	}
	missing = 2
	if started.By != "" {
		missing = 1
	}
	var counted []string
	for _, a := range approvals {
		switch {
		case !a.Signed:
			problems = append(problems, fmt.Sprintf("the approval of %s is not signed", a.Name))
		case a.Name == started.By:
			problems = append(problems, fmt.Sprintf("%s started this run, and cannot approve it as the second person", a.Name))
		case a.Name == started.Trainer:
			problems = append(problems, fmt.Sprintf("%s started the training of this version, and cannot approve it as the second person", a.Name))
		case slices.Contains(counted, a.Name):
			problems = append(problems, fmt.Sprintf("%s has approved already; another person is wanted", a.Name))
		default:
			counted = append(counted, a.Name)
		}
	}
	return max(0, missing-len(counted)), problems
}
