package contract

import "slices"

// Check is one thing that the contract asks of a runtime.
type Check struct {
	// Area groups checks; area and name together say the behaviour.
	Area, Name string
	// Required is what functions, the fetcher and the queue-proxy depend on; the rest makes a runtime pleasant.
	Required bool
	// Run starts runtime processes of the language and tells t what is wrong with them.
	Run func(t T, l Language)
}

// Checks returns all checks, in the order of a runtime's life.
func Checks() []Check {
	return slices.Concat(lifeChecks(), loadChecks(), callChecks(), streamChecks(), wireChecks())
}

func lifeChecks() []Check {
	return []Check{
		{"generic", "refuses requests and is healthy", true, genericRefusesRequestsAndIsHealthy},
		{"specialize", "loads once and only once", true, specializeLoadsOnceAndOnlyOnce},
		{"specialize", "refuses a second load during the first", true, specializeRefusesASecondLoadDuringTheFirst},
		{"specialize", "version 1 loads the fixed path", true, specializeVersion1LoadsTheFixedPath},
		{"health", "after specialize", false, healthAfterSpecialize},
		{"terminate", "finishes what is in flight and exits", true, terminateFinishesWhatIsInFlightAndExits},
		{"terminate", "exits at once when idle", true, terminateExitsAtOnceWhenIdle},
		{"exit", "of the function ends the process with its code", false, exitOfTheFunctionEndsTheProcessWithItsCode},
		{"exit", "at load ends the process with its code", false, exitAtLoadEndsTheProcessWithItsCode},
		{"address", "in use is said and ends the process", false, addressInUseIsSaidAndEndsTheProcess},
		{"settings", "a bad address is named", false, settingsBadAddressIsNamed},
		{"settings", "a bad body limit is named", false, settingsBadLimitIsNamed},
		{"log", "lines appear when they are printed", true, logLinesAppearWhenTheyArePrinted},
		{"log", "lines carry the id of their request", false, logLinesCarryTheIDOfTheirRequest},
		{"log", "lines carry no id where that is off", false, logLinesCarryNoIDWhereThatIsOff},
	}
}

func callChecks() []Check {
	return []Check{
		{"call", "method, path, query, headers and body arrive", true, callMethodPathQueryHeadersAndBodyArrive},
		{"call", "HEAD has no body", true, callHeadHasNoBody},
		{"call", "status and headers come back", true, callStatusAndHeadersComeBack},
		{"call", "binary bodies pass unchanged both ways", true, callBinaryBodiesPassUnchangedBothWays},
		{"call", "body of 20 megabytes in and out", true, callBodyOf20MegabytesInAndOut},
		{"call", "body beyond the limit is 413", false, callBodyBeyondTheLimitIs413},
		{"call", "answer of 100 megabytes", true, callAnswerOf100Megabytes},
		{"call", "a gigabyte in and out in constant memory", false, callGigabyteInAndOutInConstantMemory},
		{"call", "error is 500 with its message and the next call works", true, callErrorIs500WithItsMessageAndTheNextCallWorks},
		{"call", "error messages can be hidden", false, callErrorMessagesCanBeHidden},
		{"call", "function that returns nothing is an empty 200", false, callFunctionThatReturnsNothingIsAnEmpty200},
	}
}

func streamChecks() []Check {
	return []Check{
		{"concurrency", "requests run beside each other", true, concurrencyRequestsRunBesideEachOther},
		{"stream", "pieces arrive as they are written", false, streamPiecesArriveAsTheyAreWritten},
		{"stream", "an error in the middle cuts the connection", false, streamAnErrorInTheMiddleCutsTheConnection},
		{"client", "that goes away harms nobody", true, clientThatGoesAwayHarmsNobody},
		{"client", "that leaves in the middle of a big answer", true, clientThatLeavesInTheMiddleOfABigAnswer},
		{"client", "that leaves in the middle of its body", true, clientThatLeavesInTheMiddleOfItsBody},
	}
}

func wireChecks() []Check {
	return []Check{
		{"wire", "keeps connections open and answers in order", true, wireKeepsConnectionsOpenAndAnswersInOrder},
		{"wire", "chunked bodies and split packets", true, wireChunkedBodiesAndSplitPackets},
		{"wire", "Expect: 100-continue is answered", true, wireExpectContinueIsAnswered},
		{"wire", "Connection: close and HTTP/1.0", true, wireConnectionCloseAndHTTP10},
		{"wire", "malformed requests are refused", true, wireMalformedRequestsAreRefused},
		{"wire", "a length beside chunks is refused", false, wireLengthBesideChunksIsRefused},
		{"wire", "headers of 60 kilobytes", true, wireHeadersOf60Kilobytes},
	}
}
