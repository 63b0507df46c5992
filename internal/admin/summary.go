package admin

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"ostler/internal/zk"
)

func srvr(s State) string {
	sum := s.Summary()
	return head(sum) + body(sum)
}

func stat(s State) string {
	sum := s.Summary()
	var b strings.Builder
	b.WriteString(head(sum))
	b.WriteString("Clients:\n")
	for _, c := range sortedConnections(s) {
		fmt.Fprintf(&b, " /%s[%x](queued=%d,recved=%d,sent=%d)\n", c.Addr, c.Interest, c.Queued, c.Received, c.Sent)
	}
	b.WriteByte('\n')
	b.WriteString(body(sum))
	return b.String()
}

func head(sum Summary) string {
	text := "Zookeeper version: " + VersionLine() + "\n"
	if sum.ReadOnly {
		text += "READ-ONLY mode; serving only read-only clients\n"
	}
	return text
}

func body(sum Summary) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Latency min/avg/max: %d/%s/%d\n", sum.LatencyMin, javaAverage(sum.LatencyAvg), sum.LatencyMax)
	fmt.Fprintf(&b, "Received: %d\nSent: %d\n", sum.Received, sum.Sent)
	fmt.Fprintf(&b, "Connections: %d\nOutstanding: %d\n", sum.Connections, sum.Outstanding)
	fmt.Fprintf(&b, "Zxid: %v\nMode: %s\nNode count: %d\n", sum.Zxid, sum.Mode, sum.Nodes)
	if p := sum.Proposals; p != nil {
		fmt.Fprintf(&b, "Proposal sizes last/min/max: %d/%d/%d\n", p.Last, p.Min, p.Max)
	}
	return b.String()
}

func cons(s State) string {
	var b strings.Builder
	for _, c := range sortedConnections(s) {
		fmt.Fprintf(&b, " /%s[%x](queued=%d,recved=%d,sent=%d", c.Addr, c.Interest, c.Queued, c.Received, c.Sent)
		if c.Session != nil {
			b.WriteString(sessionFields(c.Session))
		}
		b.WriteString(")\n")
	}
	b.WriteByte('\n')
	return b.String()
}

func sessionFields(i *SessionInfo) string {
	op := "NA"
	if i.HasOp {
		op = shortName(i.LastOp)
	}
	cxid := ""
	if i.LastCxid >= 0 {
		cxid = fmt.Sprintf(",lcxid=0x%x", i.LastCxid)
	}
	return fmt.Sprintf(",sid=%v,lop=%s,est=%d,to=%d%s,lzxid=%v,lresp=%d,llat=%d,minlat=%d,avglat=%d,maxlat=%d",
		i.ID, op, i.Established.UnixMilli(), i.Timeout.Milliseconds(), cxid, i.LastZxid,
		i.LastResponse, i.LastLatency, i.Min, i.Average, i.Max)
}

// shortNames are how cons calls the last operation.
var shortNames = map[zk.OpCode]string{
	zk.OpPing: "PING", zk.OpCreateSession: "SESS", zk.OpCloseSession: "CLOS",
	zk.OpMulti: "MULT", zk.OpMultiRead: "MLTR",
	zk.OpCreate: "CREA", zk.OpCreate2: "CREA", zk.OpCreateTTL: "CREA", zk.OpCreateContainer: "CREA",
	zk.OpDelete: "DELE", zk.OpDeleteContainer: "DELE", zk.OpSetData: "SETD", zk.OpSetACL: "SETA",
	zk.OpReconfig: "RECO", zk.OpSync: "SYNC", zk.OpCheck: "CHEC", zk.OpExists: "EXIS",
	zk.OpGetData: "GETD", zk.OpGetACL: "GETA", zk.OpGetChildren: "GETC", zk.OpGetChildren2: "GETC",
	zk.OpGetAllChildrenNumber: "GETACN", zk.OpGetEphemerals: "GETE",
	zk.OpSetWatches: "SETW", zk.OpSetWatches2: "STW2", zk.OpAddWatch: "ADDW",
	zk.OpRemoveWatches: "REMW", zk.OpCheckWatches: "CHKW", zk.OpWhoAmI: "HOMI",
}

func shortName(op zk.OpCode) string {
	if name, ok := shortNames[op]; ok {
		return name
	}
	return "NA"
}

// sortedConnections orders by session, those without one first, then by address.
func sortedConnections(s State) []Connection {
	list := slices.Clone(s.Connections())
	slices.SortFunc(list, func(a, b Connection) int {
		return cmp.Or(byNumber(sessionOf(a), sessionOf(b)), strings.Compare(a.Addr, b.Addr))
	})
	return list
}

func sessionOf(c Connection) zk.SessionID {
	if c.Session == nil {
		return 0
	}
	return c.Session.ID
}

// javaAverage writes an average as ZooKeeper does: 4 decimals, half up, in the
// form of a Java double.
func javaAverage(f float64) string { return javaDouble(math.Floor(f*1e4+0.5) / 1e4) }

// javaDouble writes f so that there is always a point.
func javaDouble(f float64) string {
	abs := math.Abs(f)
	if abs != 0 && (abs < 1e-3 || abs >= 1e7) && !math.IsInf(f, 0) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		n, _ := strconv.Atoi(exponent)
		return withPoint(mantissa) + "E" + strconv.Itoa(n)
	}
	return withPoint(strconv.FormatFloat(f, 'f', -1, 64))
}

func withPoint(digits string) string {
	if strings.ContainsAny(digits, ".NI") {
		return digits
	}
	return digits + ".0"
}
