package sim

import (
	"errors"
	"slices"
	"strings"
	"time"

	"ostler/internal/datadir"
)

// rot flips bits in an old file of one server while it is down. It must not serve what it
// read there, nor count with less than it acknowledged: it refuses to start and is given
// an empty disk, or can do without the file (decisions.md 16, R-8, R-14, R-15). Damage may
// lie undiscovered, so no other disk is lost in this run any more.
func (p *Plan) rot() {
	m := p.member()
	if !p.mayLose(m) {
		return
	}
	m.M.Stop()
	files := oldFiles(m.M.disk)
	if len(files) > 0 {
		p.rotten, m.rotten, m.empty = m, true, true
		name := files[p.e.W.Rand.IntN(len(files))]
		m.M.disk.rot(DataDir + "/version-2/" + name)
		p.e.Load.met("bits flipped in a " + name[:strings.IndexByte(name, '.')])
	}
	p.forAWhile(50*time.Millisecond, 2*time.Second, m.M.Boot)
}

// oldFiles are the snapshots and the logs that are complete.
func oldFiles(d *Disk) []string {
	list, _ := d.fs.List(DataDir + "/version-2")
	var snaps, logs []string
	for _, f := range list {
		switch {
		case strings.HasPrefix(f.Name, "snapshot."):
			snaps = append(snaps, f.Name)
		case strings.HasPrefix(f.Name, "log."):
			logs = append(logs, f.Name)
		}
	}
	slices.SortFunc(logs, func(a, b string) int { // by zxid, in hex without leading zeros
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	if len(logs) > 0 {
		logs = logs[:len(logs)-1]
	}
	return append(snaps, logs...)
}

// rot flips one to three bits of what a file holds.
func (d *Disk) rot(name string) {
	data, _ := d.fs.Get(name)
	size := len(data)
	for size > 0 && data[size-1] == 0 {
		size-- // what is preallocated matters little
	}
	if size == 0 {
		return
	}
	for range 1 + d.rand.IntN(3) {
		off := d.rand.IntN(size)
		d.fs.Corrupt(name, int64(off), 1<<d.rand.IntN(8))
		d.m.w.note(kindFault, d.m, "a bit flips in "+name, int64(off), "")
	}
}

// refused is when a server does not start. If its disk has lost bits and it says so, it
// gets another one.
func (e *Ensemble) refused(m *Member, err error) {
	if m.rotten && errors.Is(err, datadir.ErrDamaged) {
		e.Load.met("bit rot found")
		m.empty = true
		e.loseDisk(m)
	}
}

// loseDisk replaces a server's disk by an empty one. What only it held may live on in a
// snapshot that it sent.
func (e *Ensemble) loseDisk(m *Member) {
	m.rotten = false
	e.O.remember(readLog(m.M.disk.FS(), DataDir+"/version-2", e.O.Last()))
	m.M.Wipe()
}

// mayLose reports whether this server's disk may be lost: Zab bears the loss of a
// minority's disks only if the others hold everything and are a quorum, so nobody loses
// his while a server that did has not come back in full (quorum.md R15). Where members
// change, any may be needed.
func (p *Plan) mayLose(m *Member) bool {
	if len(p.e.Members) < 3 || p.e.O.Len() == 0 || p.rotten != nil && p.rotten != m {
		return false
	}
	if p.e.settings.Reconfig || !p.e.spared(m.ID) {
		return false
	}
	for _, o := range p.e.Members {
		if o.empty || !o.formed {
			return false
		}
	}
	return true
}
