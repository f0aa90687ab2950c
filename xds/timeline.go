package xds

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	dataaccesslogv3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	servicelogv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"hotpod.dev/wire"
)

// Timelines keeps what is known of single requests. Its methods never wait.
type Timelines interface {
	Keep(t wire.Timeline)
	// Dropped counts those that could not be told.
	Dropped(n int)
}

// maxNowhere bounds the requests for no function that are kept in a second: anybody can make them, and they are all alike.
const maxNowhere = 20

// timelineServer takes what Envoys tell of requests.
type timelineServer struct {
	servicelogv3.UnimplementedAccessLogServiceServer

	keep   Timelines
	faults *faultCount
}

// StreamAccessLogs implements the service; each Envoy worker has a stream.
func (s timelineServer) StreamAccessLogs(stream grpc.ClientStreamingServer[servicelogv3.StreamAccessLogsMessage, servicelogv3.StreamAccessLogsResponse]) error {
	var second int64
	nowhere := 0
	for {
		message, err := stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if now := time.Now().Unix(); now != second {
			second, nowhere = now, 0
		}
		for _, entry := range message.GetHttpLogs().GetLogEntry() {
			t, ok := edgeTimeline(entry)
			s.faults.add(entry, &t)
			if !ok {
				continue
			}
			if t.Function.UID == "" {
				if nowhere++; nowhere > maxNowhere {
					s.keep.Dropped(1)
					continue
				}
			}
			s.keep.Keep(t)
		}
	}
}

// edgeTimeline returns what an entry tells; false when nobody could ask for it: the request has no ID that the client, or
// another part, knows.
func edgeTimeline(e *dataaccesslogv3.HTTPAccessLogEntry) (wire.Timeline, bool) {
	common, request, response := e.GetCommonProperties(), e.GetRequest(), e.GetResponse()
	asked, told := request.GetRequestHeaders(), response.GetResponseHeaders()
	header := func(from map[string]string, name string) string { return from[strings.ToLower(name)] }
	t := wire.Timeline{
		RequestID: cmp.Or(header(told, wire.HeaderRequestID), header(asked, wire.HeaderRequestID), request.GetRequestId()),
		Part:      wire.PartEdge, Micros: micros(common.GetDuration()), StartMicros: common.GetStartTime().AsTime().UnixMicro(),
		Status: int(response.GetResponseCode().GetValue()), Component: header(told, wire.HeaderComponent),
		Cold: header(told, wire.HeaderColdStart) != "", Attempts: int(common.GetUpstreamRequestAttemptCount()),
		Method: request.GetRequestMethod().String(), Route: common.GetRouteName(),
		Flags: strings.Join(flagsOf(common.GetResponseFlags()), ","), Detail: response.GetResponseCodeDetails(),
	}
	t.Path, _, _ = strings.Cut(cmp.Or(header(asked, wire.HeaderFullURL), request.GetPath()), "?") // a query may hold secrets
	t.Function, _ = wire.ParseFunctionID(header(asked, wire.HeaderFunction))
	if parts := strings.Split(header(asked, "traceparent"), "-"); len(parts) == 4 {
		t.TraceID = parts[1]
	}
	if t.Status == 0 {
		t.Status = wire.StatusClientGone
	}
	t.Steps = append([]wire.Step{{Name: wire.StepEdge, Micros: t.Micros}}, timed(header(told, wire.HeaderServerTiming))...)
	if up := micros(common.GetTimeToLastRxByte()); up > 0 {
		t.Steps = append(t.Steps, wire.Step{Name: wire.StepUpload, Micros: up})
	}
	if t.RequestID == "" {
		t.RequestID = common.GetStreamId()
		return t, t.Function.UID == "" && t.RequestID != ""
	}
	return t, true
}

func micros(d *durationpb.Duration) int64 { return max(0, d.AsDuration().Microseconds()) }

// timed reads the platform's own metrics of Server-Timing, one after another.
func timed(text string) []wire.Step {
	lengths := map[wire.StepName]int64{}
	for metric := range strings.SplitSeq(text, ",") {
		name, rest, _ := strings.Cut(strings.TrimSpace(metric), ";dur=")
		ms, err := strconv.ParseFloat(rest, 64)
		if _, twice := lengths[wire.StepName(name)]; err == nil && !twice && ms >= 0 && ms < 1e9 {
			lengths[wire.StepName(name)] = int64(ms * 1000)
		}
	}
	var steps []wire.Step
	var at int64
	for _, name := range []wire.StepName{wire.StepHold, wire.StepQueue, wire.StepFunction} {
		if d, ok := lengths[name]; ok {
			steps = append(steps, wire.Step{Name: name, Offset: at, Micros: d})
			at += d
		}
	}
	return steps
}

// flagsOf returns Envoy's short names of the flags that are set.
func flagsOf(f *dataaccesslogv3.ResponseFlags) []string {
	set := map[string]bool{
		"UH": f.GetNoHealthyUpstream(), "UT": f.GetUpstreamRequestTimeout(), "LR": f.GetLocalReset(), "UR": f.GetUpstreamRemoteReset(),
		"UF": f.GetUpstreamConnectionFailure(), "UC": f.GetUpstreamConnectionTermination(), "UO": f.GetUpstreamOverflow(),
		"NR": f.GetNoRouteFound(), "RL": f.GetRateLimited(), "DC": f.GetDownstreamConnectionTermination(),
		"URX": f.GetUpstreamRetryLimitExceeded(), "SI": f.GetStreamIdleTimeout(), "DPE": f.GetDownstreamProtocolError(),
		"UMSDR": f.GetUpstreamMaxStreamDurationReached(), "DT": f.GetDurationTimeout(), "UPE": f.GetUpstreamProtocolError(),
		"NC": f.GetNoClusterFound(), "OM": f.GetOverloadManager(), "DR": f.GetDownstreamRemoteReset(),
	}
	var names []string
	for name, is := range set {
		if is {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
