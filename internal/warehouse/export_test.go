package warehouse

// On is the warehouse with so many threads for a call.
func (w *Warehouse) On(threads int) *Warehouse { return &Warehouse{dir: w.dir, threads: threads} }
