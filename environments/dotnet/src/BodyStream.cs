using System;
using System.IO;

namespace Hotpod
{
    /// <summary>
    /// A request's body as functions get it: it is read as the function asks for it. In pieces it may have any length.
    /// What the function wants as a whole, or its Length, is in memory and has a limit, beyond which HttpError 413 is
    /// thrown. The body can be read again while it is in memory: after it was read as a whole, or until more than Kept
    /// bytes were read in pieces.
    /// </summary>
    sealed class BodyStream : Stream
    {
        const int Kept = 1 << 20;
        const int LargestArray = 0x7FFFFFC7;

        readonly RequestBody body;
        readonly long limit;
        MemoryStream memory = new MemoryStream(0); // from the body's beginning; null when that is no longer kept
        long position;

        public BodyStream(RequestBody body, long limit)
        {
            this.body = body;
            this.limit = Math.Min(limit, LargestArray);
        }

        public override bool CanRead { get { return true; } }
        public override bool CanWrite { get { return false; } }

        // Who may seek asks for the length before it copies, which would load everything.
        public override bool CanSeek { get { return false; } }

        public override long Length
        {
            get
            {
                Load();
                return memory.Length;
            }
        }

        public override long Position
        {
            get { return position; }
            set { Seek(value, SeekOrigin.Begin); }
        }

        public override int Read(byte[] to, int offset, int count)
        {
            var read = 0;
            if (memory != null && position < memory.Length)
            {
                memory.Position = position;
                read = memory.Read(to, offset, count);
            }
            else
            {
                read = body.Read(to, offset, count);
                Keep(to, offset, read);
            }
            position += read;
            return read;
        }

        void Keep(byte[] bytes, int offset, int count)
        {
            if (memory == null || count == 0) return;
            if (memory.Length + count > Kept) memory = null;
            else Append(bytes, offset, count);
        }

        void Append(byte[] bytes, int offset, int count)
        {
            memory.Position = memory.Length;
            memory.Write(bytes, offset, count);
        }

        /// <summary>The whole body, wherever reading is.</summary>
        public byte[] All()
        {
            Load();
            return memory.Capacity == memory.Length ? memory.GetBuffer() : memory.ToArray();
        }

        void Load()
        {
            if (memory == null) throw Gone();
            Reserve();
            var buffer = new byte[(int)Math.Min(Math.Max(body.Left, 1024), 64 * 1024)];
            int read;
            while ((read = body.Read(buffer, 0, buffer.Length)) > 0)
            {
                Append(buffer, 0, read);
                Reserve();
            }
        }

        void Reserve()
        {
            var whole = memory.Length + body.Left;
            if (whole > limit) throw new HttpError(413, "request body larger than " + limit + " bytes (BODY_PARSER_LIMIT)");
            if (memory.Length == 0) memory.Capacity = (int)whole;
        }

        public override long Seek(long offset, SeekOrigin origin)
        {
            var target = origin == SeekOrigin.Begin ? offset : origin == SeekOrigin.Current ? position + offset : Length + offset;
            if (target == position) return position;
            if (memory == null) throw Gone();
            if (target < 0) throw new IOException("a position before the beginning of the body");
            if (target > memory.Length) Load();
            return position = target;
        }

        static Exception Gone()
        {
            return new NotSupportedException("the body was read in pieces; only its first " + Kept + " bytes can be read again");
        }

        public override void Flush() { }
        public override void SetLength(long value) { throw new NotSupportedException(); }
        public override void Write(byte[] from, int offset, int count) { throw new NotSupportedException(); }
    }
}
