package datadir

const (
	// membersName is the file with the newest configuration that was in force here.
	// ZooKeeper keeps that beside its configuration file alone, and ignores this one.
	membersName = "members"
	membersMax  = 1 << 20
)

// SetMembers records durably the text of a configuration that is in force, before
// anything that needs it is committed (INV-C3).
func (d *Dir) SetMembers(text []byte) error {
	return d.writeNote(membersName, text)
}

// Members returns what SetMembers recorded, nil if there is nothing.
func (d *Dir) Members() ([]byte, error) {
	return d.readNote(membersName, membersMax)
}
