package prep

import (
	"testing"

	"ostler/internal/ensemble"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// fakeMembers is an ensemble whose followers are all up to date, or none.
type fakeMembers struct {
	config *ensemble.Config
	synced bool
	least  int
}

func (m *fakeMembers) Config() *ensemble.Config       { return m.config }
func (m *fakeMembers) Synced(c *ensemble.Config) bool { return m.synced }
func (m *fakeMembers) VotersMin() int                 { return m.least }

func members(t *testing.T, text string) *ensemble.Config {
	t.Helper()
	c, err := ensemble.ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The order in which a reconfiguration is checked (client-protocol.md 5.14).
func TestReconfigChecks(t *testing.T) {
	three := "server.1=a:1:2;3\nserver.2=b:1:2;3\nserver.3=c:1:2;3\nversion=100000000"
	no := wire.ReconfigRequest{NullJoining: true, NullLeaving: true, NullNewMembers: true, ConfigVersion: -1}
	leave := func(ids string) wire.ReconfigRequest {
		r := no
		r.Leaving, r.NullLeaving = ids, false
		return r
	}
	conditional := leave("3")
	conditional.ConfigVersion = 77
	whole := no
	whole.NewMembers, whole.NullNewMembers = "server.1=a:1:2;3,server.2=b:1:2;3", false
	broken := whole
	broken.NewMembers = "server.1"
	several := whole
	several.NewMembers = "server.1=a:1:2|aa:1:2;3,server.2=b:1:2;3"
	for _, test := range []struct {
		name    string
		enabled bool
		several bool // multiAddress.enabled
		members fakeMembers
		request wire.ReconfigRequest
		ids     []zk.ID
		session zk.SessionID
		want    zk.Code
	}{
		{name: "disabled", request: no, want: zk.ReconfigDisabled},
		{name: "unknown session", enabled: true, request: no, session: 99, want: zk.SessionExpired},
		{name: "standalone", enabled: true, request: no, want: zk.Unimplemented},
		{
			name: "in progress", enabled: true, request: conditional,
			members: fakeMembers{config: members(t, three).With(members(t, three))}, want: zk.ReconfigInProgress,
		},
		{name: "another version", enabled: true, request: conditional, members: fakeMembers{config: members(t, three)}, want: zk.BadVersion},
		{name: "unreadable", enabled: true, request: broken, members: fakeMembers{config: members(t, three)}, want: zk.BadArguments},
		{name: "no number", enabled: true, request: leave("x"), members: fakeMembers{config: members(t, three)}, want: zk.MarshallingError},
		{name: "too few", enabled: true, request: leave("2,3"), members: fakeMembers{config: members(t, three), least: 2}, want: zk.BadArguments},
		{name: "none", enabled: true, request: leave("1,2,3"), members: fakeMembers{config: members(t, three), least: 1}, want: zk.BadArguments},
		{name: "no quorum", enabled: true, request: leave("3"), members: fakeMembers{config: members(t, three), least: 2}, want: zk.NewConfigNoQuorum},
		{name: "no right", enabled: true, request: leave("3"), members: fakeMembers{config: members(t, three), synced: true, least: 2}, want: zk.NoAuth},
		{name: "incremental", enabled: true, request: leave("3"), members: fakeMembers{config: members(t, three), synced: true, least: 2}, ids: []zk.ID{superID}},
		{name: "whole", enabled: true, request: whole, members: fakeMembers{config: members(t, three), synced: true, least: 2}, ids: []zk.ID{superID}},
		{name: "several addresses", enabled: true, request: several, members: fakeMembers{config: members(t, three), synced: true, least: 2}, ids: []zk.ID{superID}, want: zk.BadArguments},
		{name: "several addresses allowed", enabled: true, several: true, request: several, members: fakeMembers{config: members(t, three), synced: true, least: 2}, ids: []zk.ID{superID}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, func(o *Options) {
				o.ReconfigEnabled, o.MultiAddress, o.Members = test.enabled, test.several, &test.members
			})
			if test.session == 0 {
				test.session = alice
			}
			w.cxid++
			rec := w.request(&Request{
				Session: test.session, Cxid: w.cxid, Op: zk.OpReconfig, Body: test.request.Append(nil), Auth: test.ids,
			}, 1)
			if got := codeOf(rec.Body); got != test.want {
				t.Fatalf("%v, want %v", got, test.want)
			}
			w.apply(-1)
			if test.want != zk.OK {
				return
			}
			body, ok := rec.Body.(*txn.SetData)
			if !ok || rec.Type != zk.OpReconfig || body.Version != -1 {
				t.Fatalf("transaction %v %+v, want new data for the configuration in version -1", rec.Type, rec.Body)
			}
			got, err := ensemble.ParseConfig(body.Data)
			if err != nil || got.Version != int64(rec.Zxid) || len(got.Members) != 2 {
				t.Errorf("configuration %q, %v; want servers 1 and 2 in version %v", body.Data, err, rec.Zxid)
			}
		})
	}
}
