package main

import (
	"os"
	"path/filepath"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/warehouse"
)

// desk is where a job works without a platform, in a folder that is removed when it ends: objects are what the steps make there.
func desk(job string, connection func(name string) (string, error)) (d activities.Desk, objects artifact.Folder, remove func(), err error) {
	work, err := os.MkdirTemp("", "loanops-"+job+"-")
	if err != nil {
		return d, "", nil, fault.Wrap(fault.Unavailable, err, "making a folder")
	}
	remove = func() { os.RemoveAll(work) }
	objects = artifact.Folder(filepath.Join(work, "objects"))
	if err = os.Mkdir(string(objects), 0o700); err != nil {
		remove()
		return d, "", nil, fault.Wrap(fault.Unavailable, err, "making a folder")
	}
	duck, err := warehouse.Open(filepath.Join(work, "warehouse"))
	if err != nil {
		remove()
		return d, "", nil, err
	}
	return activities.Desk{
		Cache: activities.StepCache{Objects: objects}, Warehouse: duck, Views: duck, Places: source.Places{string(objects)}, Folder: filepath.Join(work, "extractions"), Connection: connection, Page: report.ProfileHTML,
	}, objects, remove, nil
}

// exitCode is that of a job that failed.
func exitCode(err error) int {
	if code := fault.CodeOf(err); code == fault.Invalid || code == fault.NotFound {
		return exitInvalid
	}
	return exitFault
}
