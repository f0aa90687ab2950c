# frozen_string_literal: true

require 'json'
require 'logger'
require 'stringio' # For functions that use it without asking.
require 'uri'

# Functions use it without asking; a rack that comes with the function is found first.
autoload :Rack, 'rack'

# What functions written for Fission's environment find.
module Fission
  # A request with the names that functions know from Rack::Request.
  class Request
    attr_reader :env

    def initialize(env)
      @env = env
    end

    # The headers, with names as in User-Agent.
    def headers
      @headers ||= @env.select { |key, _| key.start_with?('HTTP_') || %w[CONTENT_TYPE CONTENT_LENGTH].include?(key) }
                       .to_h { |key, value| [key.delete_prefix('HTTP_').split('_').map(&:capitalize).join('-'), value] }
    end

    def body = @env['rack.input']
    def request_method = @env['REQUEST_METHOD']
    def path = @env['PATH_INFO']
    alias path_info path
    def query_string = @env['QUERY_STRING']
    def content_type = @env['CONTENT_TYPE']
    def content_length = @env['CONTENT_LENGTH']
    def user_agent = @env['HTTP_USER_AGENT']
    def host = @env['HTTP_X_FORWARDED_HOST'] || @env['HTTP_HOST']
    def logger = @env['rack.logger']
    def get? = request_method == 'GET'
    def post? = request_method == 'POST'
    def put? = request_method == 'PUT'
    def patch? = request_method == 'PATCH'
    def delete? = request_method == 'DELETE'

    # Path and query as the client sent them.
    def fullpath = @env['HTTP_X_FISSION_FULL_URL'] || @env['REQUEST_URI']

    # The variables of the route's path, by lower-case names.
    def path_params
      @path_params ||= @env.select { |key, _| key.start_with?('HTTP_X_FISSION_PARAMS_') }
                           .to_h { |key, value| [key.delete_prefix('HTTP_X_FISSION_PARAMS_').downcase, value] }
    end

    # The query's values by name; of a repeated name the last.
    def GET # rubocop:disable Naming/MethodName
      @query ||= URI.decode_www_form(query_string).to_h
    end

    # A form's values by name.
    def POST # rubocop:disable Naming/MethodName
      return {} unless content_type.to_s.start_with?('application/x-www-form-urlencoded')

      @form ||= URI.decode_www_form(body.string.dup.force_encoding('UTF-8')).to_h
    end

    def params = self.GET.merge(self.POST)
    def [](name) = params[name.to_s]

    def cookies
      @cookies ||= @env['HTTP_COOKIE'].to_s.split(/;\s*/).to_h { |pair| pair.split('=', 2).then { |name, value| [name, value.to_s] } }
    end

    # The body as JSON.
    def json = JSON.parse(body.string)
  end

  # What a function gets.
  class Context
    attr_reader :env

    def initialize(env)
      @env = env
    end

    def request
      @request ||= Request.new(@env)
    end

    def logger = request.logger
  end
end

module Hotpod
  # A request as Rack has it.
  module Env
    LOGGER = Logger.new($stdout)

    module_function

    def of(head, input)
      path, query = head.target.split('?', 2)
      env = {
        'REQUEST_METHOD' => head.method, 'PATH_INFO' => URI::DEFAULT_PARSER.unescape(path), 'QUERY_STRING' => query.to_s,
        'REQUEST_URI' => head.target, 'REQUEST_PATH' => path, 'SCRIPT_NAME' => '', 'SERVER_PROTOCOL' => head.version,
        'SERVER_NAME' => head.headers['host'].to_s.split(':').first || 'localhost', 'SERVER_PORT' => '80', 'rack.url_scheme' => 'http',
        'rack.input' => input, 'rack.errors' => $stderr, 'rack.logger' => LOGGER
      }
      head.headers.each do |name, value|
        key = name.upcase.tr('-', '_')
        env[%w[CONTENT_TYPE CONTENT_LENGTH].include?(key) ? key : "HTTP_#{key}"] = value
      end
      env
    end
  end
end
