package zkcli

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"ostler/client"
)

// eventText is an event as ZooKeeper prints it.
func eventText(e client.Event, withZxid bool) string {
	path := e.Path
	if e.Type == client.EventNone {
		path = "null"
	}
	text := fmt.Sprintf("WatchedEvent state:%v type:%s path:%s", e.State, eventNames[e.Type], path)
	if withZxid {
		text += fmt.Sprintf(" zxid: %d", int64(e.Zxid))
	}
	return text
}

var eventNames = map[client.EventType]string{
	client.EventNone: "None", client.EventCreated: "NodeCreated", client.EventDeleted: "NodeDeleted",
	client.EventDataChanged: "NodeDataChanged", client.EventChildrenChanged: "NodeChildrenChanged",
	client.EventDataWatchRemoved: "DataWatchRemoved", client.EventChildWatchRemoved: "ChildWatchRemoved",
	client.EventPersistentWatchRemoved: "PersistentWatchRemoved",
}

// statText is the stat block (cli.md 3).
func statText(s client.Stat) string {
	return fmt.Sprintf("cZxid = %v\nctime = %s\nmZxid = %v\nmtime = %s\npZxid = %v\n"+
		"cversion = %d\ndataVersion = %d\naclVersion = %d\nephemeralOwner = %v\ndataLength = %d\nnumChildren = %d\n",
		s.Czxid, dateText(s.Ctime), s.Mzxid, dateText(s.Mtime), s.Pzxid,
		s.Cversion, s.Version, s.Aversion, s.EphemeralOwner, s.DataLength, s.NumChildren)
}

// dateText is a time in the local zone the way Java's Date prints it.
func dateText(ms int64) string {
	t := time.UnixMilli(ms)
	zone, offset := t.Zone()
	if zone == "" || zone[0] == '+' || zone[0] == '-' { // a zone without a name
		sign := '+'
		if offset < 0 {
			sign, offset = '-', -offset
		}
		zone = fmt.Sprintf("GMT%c%02d:%02d", sign, offset/3600, offset/60%60)
	}
	return t.Format("Mon Jan 02 15:04:05 ") + zone + t.Format(" 2006")
}

// hexDump is data in rows of sixteen bytes; nothing for no data.
func hexDump(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("         +-------------------------------------------------+\n" +
		"         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |\n" +
		"+--------+-------------------------------------------------+----------------+\n")
	for at := 0; at < len(data); at += 16 {
		row := data[at:min(at+16, len(data))]
		fmt.Fprintf(&b, "|%08x|", at)
		for i := range 16 {
			if i < len(row) {
				fmt.Fprintf(&b, " %02x", row[i])
			} else {
				b.WriteString("   ")
			}
		}
		b.WriteString(" |")
		for i := range 16 {
			switch {
			case i >= len(row):
				b.WriteByte(' ')
			case row[i] <= 0x1f || row[i] >= 0x7f:
				b.WriteByte('.')
			default:
				b.WriteByte(row[i])
			}
		}
		b.WriteString("|\n")
	}
	b.WriteString("+--------+-------------------------------------------------+----------------+")
	return b.String()
}

// listText is a list in brackets.
func listText(names []string) string { return "[" + strings.Join(names, ", ") + "]" }

// sortNames sorts as Java sorts strings: by UTF-16 units.
func sortNames(names []string) {
	slices.SortFunc(names, func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
}

// permLetters are the letters of the permissions in the order they are printed.
var permLetters = []struct {
	letter byte
	perm   client.Perm
}{{'c', 4}, {'d', 8}, {'r', 1}, {'w', 2}, {'a', 16}}

func permText(p client.Perm) string {
	var b strings.Builder
	for _, l := range permLetters {
		if p&l.perm != 0 {
			b.WriteByte(l.letter)
		}
	}
	return b.String()
}

// parseACL reads scheme:id:perms entries, separated by commas. What it cannot
// read it says, and skips. The list is not nil.
func (s *shell) parseACL(text string) []client.ACL {
	acl := []client.ACL{}
	for entry := range strings.SplitSeq(text, ",") {
		first, last := strings.IndexByte(entry, ':'), strings.LastIndexByte(entry, ':')
		if first < 0 || first == last {
			s.out.errorf("%s does not have the form scheme:id:perm\n", entry)
			continue
		}
		acl = append(acl, client.ACL{
			Perms: s.parsePerms(entry[last+1:]),
			ID:    client.ID{Scheme: entry[:first], ID: entry[first+1 : last]},
		})
	}
	return acl
}

func (s *shell) parsePerms(text string) client.Perm {
	var perms client.Perm
next:
	for _, r := range text {
		for _, l := range permLetters {
			if r == rune(l.letter) {
				perms |= l.perm
				continue next
			}
		}
		s.out.errorf("Unknown perm type: %c\n", r)
	}
	return perms
}
