"""Tests of parsing and framing; run with `python3 -m unittest discover -s tests -t .`."""

import io
import random
import unittest

from hotpod_runtime.body import Body
from hotpod_runtime.http1 import ClientGone, HTTPError, InvalidHeader, parse_head, render_head


class Reader:
    """Gives a body its bytes, at most so many at a time, as a connection does."""

    def __init__(self, data, most):
        self._file = io.BytesIO(data)
        self._most = most

    def read_some(self, most):
        return self._file.read(min(most, self._most))

    def read_line(self, most):
        line = self._file.readline(most)
        if not line.endswith(b"\r\n"):
            raise ClientGone
        return line[:-2]


def chunked(pieces):
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces if p) + b"0\r\n\r\n"


class ParseHead(unittest.TestCase):
    def test_finds_method_target_and_fields(self):
        head = parse_head(b"POST /a?b HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\nCOOKIE: b=2\r\nX-A: 1\r\nx-a:2 \r\nContent-Length: 3")
        self.assertEqual((head.method, head.target, head.length, head.keep_alive), ("POST", "/a?b", 3, True))
        self.assertEqual(head.fields["cookie"], "a=1; b=2")
        self.assertEqual(head.fields["x-a"], "1,2")

    def test_never_fails_in_another_way_than_an_http_error(self):
        rng = random.Random(1)
        good = b"POST /path HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-A: b"
        for _ in range(20000):
            raw = bytearray(good)
            for _ in range(rng.randint(1, 6)):
                raw[rng.randrange(len(raw))] = rng.choice(b"\0\r\n :;,\xff\x80aZ0-")
            try:
                head = parse_head(bytes(raw))
            except HTTPError as err:
                self.assertIn(err.status, (400, 505))
            else:
                self.assertNotIn("\n", "".join(head.fields.values()))


class BodyReading(unittest.TestCase):
    def test_gives_back_what_was_sent_however_it_is_cut(self):
        rng = random.Random(2)
        for _ in range(500):
            pieces = [rng.randbytes(rng.randint(0, 50)) for _ in range(rng.randint(0, 8))]
            sent = b"".join(pieces)
            most = rng.randint(1, 20)
            self.assertEqual(Body(Reader(chunked(pieces), most), None, 1000).read_all(), sent)
            self.assertEqual(Body(Reader(sent, most), len(sent), 1000).read_all(), sent)

    def test_a_limit_holds_for_both_framings(self):
        for body in (Body(Reader(b"x" * 11, 5), 11, 10), Body(Reader(chunked([b"x" * 6, b"y" * 5]), 5), None, 10)):
            with self.assertRaises(HTTPError) as caught:
                body.read_all()
            self.assertEqual(caught.exception.status, 413)

    def test_what_is_beyond_the_limit_can_still_be_discarded(self):
        body = Body(Reader(b"x" * 11, 5), 11, 10)
        with self.assertRaises(HTTPError):
            body.read_all()
        self.assertTrue(body.discard(100))

    def test_random_chunks_end_in_a_known_way(self):
        rng = random.Random(3)
        for _ in range(5000):
            raw = bytes(rng.choice(b"0123abcf;\r\n xX") for _ in range(rng.randint(0, 40)))
            try:
                Body(Reader(raw, 7), None, 100).read_all()
            except (HTTPError, ClientGone):
                pass


class RenderHead(unittest.TestCase):
    def test_refuses_headers_that_would_break_the_answer(self):
        for name, value in (("A", "b\r\nC: d"), ("A\r\nB", "c"), ("A B", "c"), ("A", "b\0")):
            with self.assertRaises(InvalidHeader):
                render_head(200, [(name, value)], True)

    def test_leaves_out_what_is_the_connections(self):
        raw = render_head(200, [("Connection", "close"), ("Transfer-Encoding", "chunked"), ("A", "b")], True)
        self.assertNotIn(b"chunked", raw)
        self.assertIn(b"Connection: keep-alive", raw)
        self.assertIn(b"\r\nA: b\r\n", raw)


if __name__ == "__main__":
    unittest.main()
