# frozen_string_literal: true

module Hotpod
  # What is printed during a call is tagged with the id of its request: see docs/logs.md.
  module Tags
    TRACE = /\A00-(\h{32})-\h{16}-(\h{2})\z/
    MAX_ID = 128

    # An output that tags what the calls of its threads write.
    module Output
      def write(*parts)
        call = Thread.current.thread_variable_get(:hotpod_call)
        return super if call.nil? || call.text.empty? || ENV['HOTPOD_LOG_TAGS'] == 'false'

        text = parts.join
        super(call.tagged(self, text))
        text.bytesize
      end
    end

    # Has both outputs tag lines.
    def self.install
      [$stdout, $stderr].each { |output| output.singleton_class.prepend(Output) }
    end

    # Tags what the block prints as of the request with these headers.
    def self.during(headers)
      before = Thread.current.thread_variable_get(:hotpod_call)
      Thread.current.thread_variable_set(:hotpod_call, Call.new(headers))
      yield
    ensure
      Thread.current.thread_variable_set(:hotpod_call, before)
    end

    # The tag of one request, and whether an output is in the middle of a line of it.
    class Call
      attr_reader :text

      def initialize(headers)
        id = (headers['x-fission-request-id'] || headers['x-request-id'] || '')[0, MAX_ID].gsub(%r{[^A-Za-z0-9._:=/+-]}, '_')
        trace = TRACE.match(headers['traceparent'].to_s)
        trace = trace && trace[2].hex.odd? ? trace[1] : nil
        @text = id.empty? ? '' : "[req #{id}#{trace && " trace #{trace}"}]"
        @json = %({"request_id":"#{id}",#{trace && %("trace_id":"#{trace}",)})
        @begun = {}.compare_by_identity
      end

      def tagged(output, text)
        continues = @begun[output]
        @begun[output] = !text.end_with?("\n") unless text.empty?
        text.lines.each_with_index.map { |line, i| i.zero? && continues ? line : tag(line, i.positive?) }.join
      end

      private

      def tag(line, more)
        return @json + line[1..] if line.start_with?('{"') && line.chomp.end_with?('}')

        "#{@text}#{more ? '+' : ' '}#{line}"
      end
    end
  end
end
