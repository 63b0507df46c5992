package peerwire

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/zk"
)

// The vectors are messages recorded between servers of Apache ZooKeeper:
// decoding yields the fields that are written beside them, encoding yields the
// bytes.

type vectorFile struct {
	Messages   []message `json:"messages"`
	Transcript []message `json:"transcript"`
}

type message struct {
	file    string
	Name    string         `json:"name"`
	Raw     string         `json:"raw"`
	Decoded map[string]any `json:"decoded"`
}

func readVectors(t testing.TB) []message {
	t.Helper()
	f, err := os.Open("testdata/vectors.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []message
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		var v vectorFile
		if err := json.NewDecoder(in).Decode(&v); err != nil {
			t.Fatalf("%s: %v", h.Name, err)
		}
		for _, m := range append(v.Messages, v.Transcript...) {
			m.file = h.Name
			all = append(all, m)
		}
	}
}

func (m *message) bytes(t testing.TB) []byte {
	b, err := hex.DecodeString(m.Raw)
	if err != nil {
		t.Fatalf("%s: %v", m.file, err)
	}
	return b
}

const limit = 2097150

func TestPacketVectors(t *testing.T) { // quorum.md 4.1, 4.2
	var tested int
	for _, m := range readVectors(t) {
		if _, ok := m.Decoded["typeNum"]; !ok {
			continue
		}
		tested++
		b := m.bytes(t)
		p, n, err := DecodePacket(append(bytes.Clone(b), 0xff), limit)
		if err != nil || n != len(b) {
			t.Errorf("%s: DecodePacket(%x) = %d, %v", m.file, b, n, err)
			continue
		}
		if got := p.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("%s: got %x, want %x", m.file, got, b)
		}
		if diff := cmp.Diff(m.packetFields(), packetFields(t, &p, m.Decoded)); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", m.file, m.Name, diff)
		}
	}
	if tested < 200 {
		t.Errorf("only %d packets were tested", tested)
	}
}

// fieldsOfData are the parts of decoded that this package reads out of a
// packet's data.
var fieldsOfData = []string{"learnerInfo", "touch", "revalidate", "revalidateReply", "request"}

func (m *message) packetFields() map[string]any {
	want := map[string]any{"zxid": m.Decoded["zxid"], "typeNum": m.Decoded["typeNum"]}
	if data, ok := m.Decoded["data"]; ok { // not in transcripts
		want["data"] = data
	}
	for _, k := range fieldsOfData {
		if v, ok := m.Decoded[k]; ok {
			want[k] = v
		}
	}
	return want
}

// packetFields renders p the way the vectors do.
func packetFields(t *testing.T, p *Packet, decoded map[string]any) map[string]any {
	got := map[string]any{"zxid": p.Zxid.String(), "typeNum": float64(p.Type)}
	if _, ok := decoded["data"]; ok {
		got["data"] = nil
		if p.Data != nil {
			got["data"] = hex.EncodeToString(p.Data)
		}
	}
	for _, k := range fieldsOfData {
		if v, ok := decoded[k]; ok {
			got[k] = dataField(t, k, p, v)
		}
	}
	return got
}

func dataField(t *testing.T, name string, p *Packet, want any) any {
	t.Helper()
	switch name {
	case "learnerInfo":
		i, err := DecodeLearnerInfo(p.Data)
		if err != nil {
			t.Errorf("DecodeLearnerInfo(%x): %v", p.Data, err)
		}
		got := map[string]any{
			"serverid": float64(i.ServerID), "protocolVersion": fmt.Sprintf("0x%x", i.Protocol),
			"configVersion": fmt.Sprintf("0x%x", i.ConfigVersion), "trailing": float64(0),
		}
		for k := range got { // the older, shorter forms lack some
			if _, ok := want.(map[string]any)[k]; !ok {
				delete(got, k)
			}
		}
		return got
	case "touch":
		touches, err := DecodeTouches(p.Data)
		if err != nil {
			t.Errorf("DecodeTouches(%x): %v", p.Data, err)
		}
		if b := AppendTouches([]byte{}, touches); !bytes.Equal(b, p.Data) {
			t.Errorf("AppendTouches = %x, want %x", b, p.Data)
		}
		got := []any{}
		for _, touch := range touches {
			got = append(got, map[string]any{"session": touch.Session.String(), "timeout": float64(touch.Timeout)})
		}
		return got
	case "revalidateReply":
		id, valid, err := DecodeRevalidated(p.Data)
		if b := AppendRevalidated(nil, id, valid); err != nil || !bytes.Equal(b, p.Data) {
			t.Errorf("DecodeRevalidated(%x): %x, %v", p.Data, b, err)
		}
		return map[string]any{"session": id.String(), "valid": valid}
	case "revalidate":
		id, timeout, err := DecodeRevalidate(p.Data)
		if b := AppendRevalidate(nil, id, timeout); err != nil || !bytes.Equal(b, p.Data) {
			t.Errorf("DecodeRevalidate(%x): %x, %v", p.Data, b, err)
		}
		return map[string]any{"session": id.String(), "timeout": float64(timeout)}
	case "request":
		r, err := DecodeForwardedRequest(p.Data)
		if b := r.Append(nil); err != nil || !bytes.Equal(b, p.Data) {
			t.Errorf("DecodeForwardedRequest(%x): %x, %v", p.Data, b, err)
		}
		return want
	}
	return want
}

func TestElectionVectors(t *testing.T) { // quorum.md 2.3, 3.2
	var tested int
	for _, m := range readVectors(t) {
		kind, _ := m.Decoded["msg"].(string)
		switch {
		case strings.HasPrefix(kind, "INIT"):
			testInitial(t, m)
		case kind == "NOTIFICATION" || strings.HasPrefix(m.Name, "NOTIFICATION/"):
			testNotification(t, m)
		default:
			continue
		}
		tested++
	}
	if tested < 20 {
		t.Errorf("only %d messages were tested", tested)
	}
}

func testInitial(t *testing.T, m message) {
	b := m.bytes(t)
	got, n, err := DecodeInitialMessage(append(bytes.Clone(b), 1))
	want := InitialMessage{Server: zk.ServerID(m.Decoded["sid"].(float64))}
	if addr, ok := m.Decoded["addr"].(string); ok {
		want.Addrs = strings.Split(addr, "|")
	}
	if err != nil || n != len(b) || !cmp.Equal(got, want) {
		t.Errorf("%s: DecodeInitialMessage(%x) = %+v, %d, %v, want %+v, %d", m.file, b, got, n, err, want, len(b))
	}
	for i := range b {
		if _, n, err := DecodeInitialMessage(b[:i]); n != 0 || err != nil {
			t.Errorf("%s: with %d of %d bytes: %d, %v", m.file, i, len(b), n, err)
		}
	}
	if want.Addrs != nil && !bytes.Equal(want.Append(nil), b) {
		t.Errorf("%s: Append = %x, want %x", m.file, want.Append(nil), b)
	}
}

var states = map[string]ServerState{"LOOKING": Looking, "FOLLOWING": Following, "LEADING": Leading, "OBSERVING": Observing}

func testNotification(t *testing.T, m message) {
	b := m.bytes(t)
	got, err := DecodeNotification(b[4:])
	if len(b) == 4+36 { // the layout of 3.4.0 to 3.4.5 is dropped
		if err == nil {
			t.Errorf("%s: %x was accepted", m.file, b)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: DecodeNotification(%x): %v", m.file, b[4:], err)
		return
	}
	epoch, _ := strings.CutPrefix(m.Decoded["peerEpoch"].(string), "derived ")
	want := Notification{
		State: states[m.Decoded["state"].(string)], Leader: got.Leader,
		Zxid: zk.Zxid(number(t, m.Decoded["zxid"])), ElectionEpoch: number(t, m.Decoded["electionEpoch"]),
		PeerEpoch: zk.Epoch(number(t, epoch)), Version: got.Version,
	}
	if config, ok := m.Decoded["config"].(string); ok {
		want.Config, want.Version = []byte(config), 2
	}
	if leader := m.Decoded["leader"].(float64); float64(got.Leader) != leader || !cmp.Equal(got, want) {
		t.Errorf("%s: DecodeNotification(%x)\n got %+v\nwant %+v", m.file, b[4:], got, want)
	}
	if again := got.Append(nil); got.Version == 2 && !bytes.Equal(again, b) {
		t.Errorf("%s: Append\n got %x\nwant %x", m.file, again, b)
	}
}

func number(t *testing.T, v any) int64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(v.(string), "0x"), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int64(n)
}
