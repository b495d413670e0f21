package feature

import (
	"context"
	"io/fs"

	"github.com/loanops/loanops/internal/fault"
)

// DeclareShipped registers the definitions of the files, those that come with LoanOps, where nothing is registered yet, and returns all rows of the register: what anybody
// has declared since stays as it is.
func DeclareShipped(ctx context.Context, register Register, files fs.FS, actor string) ([]Registered, error) {
	rows, err := register.Registered(ctx, 0)
	if err != nil || len(rows) > 0 {
		return rows, err
	}
	shipped, err := filesOf(files)
	if err != nil {
		return nil, err
	}
	folder, err := Read(shipped, nil)
	if err != nil {
		return nil, err
	}
	plan, err := (&Catalogue{}).Plan(folder.Definitions, false)
	if err != nil {
		return nil, err
	}
	_, err = register.Register(ctx, plan.After, plan.Rows(actor))
	if err != nil && fault.CodeOf(err) != fault.Conflict { // somebody else has been first
		return nil, err
	}
	return register.Registered(ctx, 0)
}

func filesOf(files fs.FS) (read []File, err error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the definitions that come with LoanOps")
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "the definitions that come with LoanOps")
		}
		read = append(read, File{Name: name, Data: data})
	}
	return read, nil
}
