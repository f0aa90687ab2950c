#!/bin/sh
# Answers with the status that the query asks for, two cookies and a header.
cat >&3 <<HEAD
Status: ${QUERY_STRING#status=}
X-Custom: yes
Set-Cookie: a=1
Set-Cookie: b=2
Content-Type: text/plain
HEAD
echo as asked
