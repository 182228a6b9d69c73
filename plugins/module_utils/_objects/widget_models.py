# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What widgets consist of. Written by tests/widget_models.py from the models of datadog-api-client 2.62.0.

``MODELS``: a model is its fields with ``!`` after the name of one that is required, then its type, if it is not text.
A type is number, bool, any, ``[type]`` for a list, ``"one/another"`` for one of these values, an enumeration or a
model by name, or several with ``|``. After a number and a list stands from where to where it goes, or its length:
``1..6``, ``0..``. Some models are one of several others. ``...`` allows any further field, and ``+Part`` stands for
the fields of ``Part``, which many models have.
"""

from __future__ import annotations

ENUMERATIONS = """
FormulaEventAggregation = avg, cardinality, count, max, median, min, pc75, pc90, pc95, pc98, pc99, sum
FormulaMetricAggregation = area, avg, l2norm, last, max, min, percentile, sum
FormulaResponseFormat = event_list, scalar, timeseries
HeatgridSortOrder = asc, desc
HostMapWidgetDimension = fill, group, node, size
HostMapWidgetNodeType = cluster, container, host, pod
QuerySortOrder = asc, desc
TableWidgetCellDisplayMode = bar, number, trend
TableWidgetTextFormatPalette = black_on_light_green, black_on_light_red, black_on_light_yellow, custom_bg, custom_text,
    green_on_white, red_on_white, white_on_green, white_on_red, white_on_yellow, yellow_on_white
WidgetAggregator = avg, last, max, min, percentile, sum
WidgetEventSize = l, s
WidgetLineType = dashed, dotted, solid
WidgetLineWidth = normal, thick, thin
WidgetPalette = black_on_light_green, black_on_light_red, black_on_light_yellow, blue, custom_bg, custom_image,
    custom_text, gray_on_white, green, green_on_white, grey, orange, red, red_on_white, white_on_gray, white_on_green,
    white_on_red, white_on_yellow, yellow_on_white
WidgetSort = asc, desc
WidgetStyleOrderBy = tags, values
WidgetTextAlign = center, left, right
WidgetVerticalAlign = bottom, center, top
"""

MODELS = """
AlertGraph = +Shown, alert_id!, type!: "alert_graph", viz_type!: "timeseries/toplist"
AlertValue = +Title, alert_id!, description, precision: number, text_align: WidgetTextAlign, type!: "alert_value", unit
ApmStatsQuery = columns: [ApmStatsQueryColumnType], env!, name!, primary_tag!, resource, row_type!:
    "resource/service/span", service!
ApmStatsQueryColumnType = alias, cell_display_mode: TableWidgetCellDisplayMode, name!, order: WidgetSort
BarChart = +Graph, requests!: [BarChartWidgetRequest]1..1, style: BarChartWidgetStyle, type!: "bar_chart"
BarChartWidgetDisplay = one of BarChartWidgetStacked | BarChartWidgetFlat
BarChartWidgetFlat = type!: "flat"
BarChartWidgetRequest = +Queries, +Search, audit_query: LogQuery, conditional_formats: [WidgetConditionalFormat],
    event_query: LogQuery, sort: WidgetSortBy, style: WidgetRequestStyle
BarChartWidgetStacked = legend: "automatic/inline/none", type!: "stacked"
BarChartWidgetStyle = display: BarChartWidgetDisplay, palette, scaling: "absolute/relative"
Change = +Graph, requests!: [ChangeWidgetRequest]1..1, type!: "change"
ChangeWidgetRequest = +Queries, +Search, change_type: "absolute/relative", compare_to:
    "day_before/hour_before/month_before/week_before", event_query: LogQuery, increase_good: bool, order_by:
    "change/name/past/present", order_dir: WidgetSort, show_present: bool
CheckStatus = +Shown, check!, group, group_by: [text], grouping!: "check/cluster", tags: [text], type!: "check_status"
Cohort = type!: "cohort", ...
ComparisonCustomTimeframe = from!: number, to!: number
ComparisonDuration = custom_timeframe: ComparisonCustomTimeframe, type!:
    "custom_timeframe/previous_day/previous_month/previous_timeframe/previous_week"
DashboardTemplateVariable = available_values: [text], default, defaults: [text], name!, prefix, type
DashboardTemplateVariablePreset = name, template_variables: [DashboardTemplateVariablePresetValue]
DashboardTemplateVariablePresetValue = name, value, values: [text]1..
DataProjectionQuery = data_source!, indexes: [text], query_string!, storage
DatasetListQuery = data_source!: "dataset", dataset_id!, dataset_provider!: "ddsql_query", filter, limit: number, sort:
    DatasetListQuerySort
DatasetListQuerySort = fields!: [DatasetListQuerySortField]
DatasetListQuerySortField = name!, order!: QuerySortOrder
Definition = one of AlertGraph | AlertValue | BarChart | Change | CheckStatus | Cohort | Distribution | EmbeddedApp |
    EventStream | EventTimeline | FreeText | Funnel | ProductAnalyticsFunnel | Geomap | Group | Heatgrid | HeatMap |
    HostMap | IFrame | Image | ListStream | LogStream | MonitorSummary | Note | Powerpack | PointPlot | QueryValue |
    RetentionCurve | RunWorkflow | SLOList | SLO | ScatterPlot | Sankey | ServiceMap | ServiceSummary | SplitGraph |
    Sunburst | Table | Timeseries | Toplist | TopologyMap | TreeMap | Wildcard
Distribution = +Graph, legend_size, markers: [WidgetMarker], requests!: [DistributionWidgetRequest]1..1, show_legend:
    bool, type!: "distribution", xaxis: DistributionWidgetXAxis, yaxis: DistributionWidgetYAxis
DistributionWidgetHistogramRequestQuery = one of FormulaMetricQuery | FormulaEventQuery | FormulaApmResourceStatsQuery |
    FormulaApmMetricsQuery
DistributionWidgetRequest = +Queries, +Search, apm_stats_query: ApmStatsQuery, event_query: LogQuery, query:
    DistributionWidgetHistogramRequestQuery, request_type: "histogram", style: WidgetStyle
DistributionWidgetXAxis = include_zero: bool, max, min, num_buckets: number1.., scale
DistributionWidgetYAxis = include_zero: bool, label, max, min, scale
EmbeddedApp = +Graph, app_id, inputs: [EmbeddedAppWidgetInput], template_id, type!: "embedded_app", ...
EmbeddedAppWidgetInput = name!, value!: bool | any | number | text, ...
EventQuery = search!, tags_execution!
EventStream = +Shown, event_size: WidgetEventSize, query!, tags_execution, type!: "event_stream"
EventTimeline = +Shown, query!, tags_execution, type!: "event_timeline"
FormulaApmDependencyStatsQuery = cross_org_uuids: [text]..1, data_source!: "apm_dependency_stats", env!, is_upstream:
    bool, name!, operation_name!, primary_tag_name, primary_tag_value, resource_name!, service!, stat!:
    "avg_duration/avg_root_duration/avg_spans_per_trace/error_rate/pct_exec_time/pct_of_traces/total_traces_count"
FormulaApmMetricsQuery = data_source!: "apm_metrics", group_by: [text], name!, operation_mode, operation_name,
    peer_tags: [text], query_filter, resource_hash, resource_name, service, span_kind:
    "client/consumer/internal/producer/server", stat!:
    "apdex/error_rate/errors/errors_per_second/hits/hits_per_second/latency_avg/latency_distribution/latency_max/latency_p50/latency_p75/latency_p90/latency_p95/latency_p99/latency_p999/total_time"
FormulaApmResourceStatsQuery = cross_org_uuids: [text]..1, data_source!: "apm_resource_stats", env!, group_by: [text],
    name!, operation_name, primary_tag_name, primary_tag_value, resource_name, service!, stat!:
    "error_rate/errors/hits/latency_avg/latency_distribution/latency_max/latency_p50/latency_p75/latency_p90/latency_p95/latency_p99"
FormulaCloudCostQuery = aggregator: WidgetAggregator, cross_org_uuids: [text]..1, data_source!: "cloud_cost", name!,
    query!
FormulaEventQuery = compute!: FormulaEventQueryCompute, cross_org_uuids: [text]..1, data_source!:
    "audit/ci_pipelines/ci_tests/errors/events/incident_analytics/llm_observability/logs/network/on_call_events/product_analytics/profiles/rum/security_signals/spans",
    group_by: FormulaEventQueryGroupByConfig, indexes: [text], name!, search: FormulaEventQuerySearch, storage
FormulaEventQueryCompute = aggregation!: FormulaEventAggregation, interval: number, metric
FormulaEventQueryGroupBy = facet!, limit: number, sort: FormulaEventQueryGroupBySort
FormulaEventQueryGroupByConfig = one of [FormulaEventQueryGroupBy] | FormulaEventQueryGroupByFields
FormulaEventQueryGroupByFields = fields!: [text], limit: number, sort: FormulaEventQueryGroupBySort
FormulaEventQueryGroupBySort = aggregation!: FormulaEventAggregation, metric, order: QuerySortOrder
FormulaEventQuerySearch = query!
FormulaMetricQuery = aggregator: FormulaMetricAggregation, cross_org_uuids: [text]..1, data_source!: "metrics", name!,
    query!, semantic_mode: "combined/native"
FormulaProcessQuery = aggregator: FormulaMetricAggregation, cross_org_uuids: [text]..1, data_source!:
    "container/process", is_normalized_cpu: bool, limit: number, metric!, name!, sort: QuerySortOrder, tag_filters:
    [text], text_filter
FormulaProductAnalyticsExtendedQuery = data_source!: "product_analytics_extended", ...
FormulaQuery = one of FormulaMetricQuery | FormulaEventQuery | FormulaProcessQuery | FormulaApmDependencyStatsQuery |
    FormulaApmResourceStatsQuery | FormulaApmMetricsQuery | FormulaSLOQuery | FormulaCloudCostQuery |
    FormulaProductAnalyticsExtendedQuery | FormulaUserJourneyQuery | FormulaRetentionQuery
FormulaRetentionQuery = data_source!: "product_analytics_retention", ...
FormulaSLOQuery = additional_query_filters, cross_org_uuids: [text]..1, data_source!: "slo", group_mode:
    "components/overall", measure!:
    "bad_events/bad_minutes/burn_rate/error_budget_burndown/error_budget_remaining/good_events/good_minutes/slo_status",
    name, slo_id!, slo_query_type: "metric/monitor/time_slice"
FormulaUserJourneyQuery = data_source!: "product_analytics_journey", ...
FreeText = background_color, color, font_size, text!, text_align: WidgetTextAlign, type!: "free_text"
Funnel = +Shown, grouped_display: "side_by_side/stacked", requests!: [FunnelWidgetRequest]1.., type!: "funnel"
FunnelQuery = data_source!: "rum", query_string!, steps!: [FunnelStep]
FunnelStep = facet!, value!
FunnelWidgetRequest = query!: FunnelQuery, request_type!: "funnel"
Geomap = +Graph, requests!: [GeomapWidgetRequest]1..2, style!: GeomapWidgetDefinitionStyle, type!: "geomap", view!:
    GeomapWidgetDefinitionView
GeomapWidgetDefinitionStyle = palette!, palette_flip!: bool
GeomapWidgetDefinitionView = focus!
GeomapWidgetRequest = +Queries, columns: [ListStreamColumn], conditional_formats: [WidgetConditionalFormat], log_query:
    LogQuery, q, query: ListStreamQuery, rum_query: LogQuery, security_query: LogQuery, sort: WidgetSortBy, style:
    GeomapWidgetRequestStyle, text_formats: [TableWidgetTextFormatRule]
GeomapWidgetRequestStyle = color_by
Graph = custom_links: [WidgetCustomLink], +Shown
Group = background_color, banner_img, layout_type!: "ordered", show_title: bool, title, title_align: WidgetTextAlign,
    type!: "group", widgets!: [Widget]
HeatMap = +Graph, events: [WidgetEvent], legend_size, markers: [WidgetMarker], requests!: [HeatMapWidgetRequest]1..1,
    show_legend: bool, type!: "heatmap", xaxis: HeatMapWidgetXAxis, yaxis: WidgetAxis
HeatMapWidgetRequest = +Queries, +Search, event_query: EventQuery, query: FormulaMetricQuery, request_type: "histogram",
    style: WidgetStyle
HeatMapWidgetXAxis = num_buckets: number
Heatgrid = +Graph, color: HeatgridColorConfig, label_column: HeatgridLabelColumn, legend: HeatgridLegend, requests!:
    [HeatgridWidgetRequest]1.., sort!: HeatgridSort, type!: "heatgrid", ...
HeatgridColor = one of text | [text]
HeatgridColorBin = color!: HeatgridColor, lower_bound: number, ...
HeatgridColorConfig = one of HeatgridGradientCustomColor | HeatgridGradientPresetColor | HeatgridDiscreteCustomColor |
    HeatgridDiscretePresetColor
HeatgridColorStop = color!: HeatgridColor, position!: number0..100, ...
HeatgridDiscreteCustomColor = bins!: [HeatgridColorBin]2..6, mode!: "discrete", source!: "custom", ...
HeatgridDiscretePresetColor = mode!: "discrete", preset_name!, source!: "preset", ...
HeatgridGradientCustomColor = mode!: "gradient", source!: "custom", stops!: [HeatgridColorStop]2..6, ...
HeatgridGradientPresetColor = mode!: "gradient", preset_name!, source!: "preset", ...
HeatgridLabelColumn = width!: "l/m/s/xl/xs", ...
HeatgridLegend = show_caption: bool, ...
HeatgridSort = nesting_display!: "flat", sort_by!: HeatgridSortBy, ...
HeatgridSortBy = one of HeatgridSortByValue | HeatgridSortByLabel
HeatgridSortByLabel = order!: HeatgridSortOrder, property!: "label", ...
HeatgridSortByValue = aggregation!: "avg/max/min/sum", order!: HeatgridSortOrder, property!: "value", ...
HeatgridWidgetFormula = alias, conditional_formats: [WidgetConditionalFormat], formula!, limit: WidgetFormulaLimit,
    number_format: WidgetNumberFormat, style: WidgetFormulaStyle, ...
HeatgridWidgetRequest = formulas: [HeatgridWidgetFormula], queries!: [FormulaQuery], response_format!: "timeseries", ...
HostMap = +Title, custom_links: [WidgetCustomLink], description, group: [text], no_group_hosts: bool, no_metric_hosts:
    bool, node_type: "container/host", notes, requests!: HostMapWidgetDefinitionRequests, scope: [text], style:
    HostMapWidgetDefinitionStyle, type!: "hostmap"
HostMapRequest = +Search, event_query: LogQuery
HostMapWidgetDefinitionRequests = child: HostMapWidgetInfrastructureRequest, conditional_formats:
    [WidgetConditionalFormat], enrichments: [HostMapWidgetScalarRequest], fill: HostMapRequest, filter, group_by:
    [HostMapWidgetGroupBy], limit: number, no_group_hosts: bool, no_metric_hosts: bool, node_type:
    HostMapWidgetNodeType, projection: HostMapWidgetProjection, query: DatasetListQuery, request_type:
    "data_projection/infrastructure_hostmap", size: HostMapRequest, style: HostMapWidgetInfrastructureStyle
HostMapWidgetDefinitionStyle = fill_max, fill_min, palette, palette_flip: bool
HostMapWidgetFormula = alias, dimension!: HostMapWidgetDimension, formula!, number_format: WidgetNumberFormat
HostMapWidgetGroupBy = column!, key
HostMapWidgetInfrastructureRequest = child: HostMapWidgetInfrastructureRequestLeaf, conditional_formats:
    [WidgetConditionalFormat], enrichments!: [HostMapWidgetScalarRequest], filter, group_by: [HostMapWidgetGroupBy],
    no_group_hosts: bool, no_metric_hosts: bool, node_type!: HostMapWidgetNodeType, request_type!:
    "infrastructure_hostmap", style: HostMapWidgetInfrastructureStyle
HostMapWidgetInfrastructureRequestLeaf = conditional_formats: [WidgetConditionalFormat], enrichments!:
    [HostMapWidgetScalarRequest], filter, group_by: [HostMapWidgetGroupBy], no_group_hosts: bool, no_metric_hosts: bool,
    node_type!: HostMapWidgetNodeType, request_type!: "infrastructure_hostmap", style: HostMapWidgetInfrastructureStyle
HostMapWidgetInfrastructureStyle = fill_max: number, fill_min: number, palette, palette_flip: bool
HostMapWidgetProjection = dimensions!: [HostMapWidgetProjectionDimensionMapping], type!: "hostmap"
HostMapWidgetProjectionDimensionMapping = alias, column!, dimension!: HostMapWidgetDimension, number_format:
    WidgetNumberFormat
HostMapWidgetScalarRequest = formulas!: [HostMapWidgetFormula], queries!: [FormulaQuery], response_format!: "scalar"
IFrame = type!: "iframe", url!
Image = has_background: bool, has_border: bool, horizontal_align: "center/left/right", margin: "large/lg/md/sm/small",
    sizing: "center/contain/cover/fill/fit/none/scale-down/zoom", type!: "image", url!, url_dark_theme, vertical_align:
    WidgetVerticalAlign
ListStream = +Shown, legend_size, requests!: [ListStreamWidgetRequest]1..1, show_legend: bool, type!: "list_stream"
ListStreamColumn = field!, width!: "auto/compact/full"
ListStreamComputeItems = aggregation!:
    "avg/cardinality/count/earliest/latest/max/median/min/most_frequent/pc75/pc90/pc95/pc98/pc99/sum", facet
ListStreamGroupByItems = facet!
ListStreamQuery = assignee_uuids: [text], clustering_pattern_field_path, compute: [ListStreamComputeItems]1..5,
    data_source!:
    "apm_issue_stream/audit_stream/case_stream/ci_pipeline_stream/ci_test_stream/event_stream/incidents_stream/issue_stream/llm_observability_stream/logs_issue_stream/logs_pattern_stream/logs_stream/logs_transaction_stream/rum_issue_stream/rum_stream/security_runtime_stream/security_signals_stream/trace_stream",
    event_size: WidgetEventSize, group_by: [ListStreamGroupByItems]..4, indexes: [text], persona:
    "all/backend/browser/mobile", query_string!, sort: WidgetFieldSort, states: ["ACKNOWLEDGED/IGNORED/OPEN/RESOLVED"],
    storage, suspected_causes: [text], team_handles: [text], version: "sequential_query"
ListStreamWidgetRequest = columns!: [ListStreamColumn], query!: ListStreamQuery, response_format!: "event_list"
LogQuery = compute: LogsQueryCompute, group_by: [LogQueryGroupBy], index, multi_compute: [LogsQueryCompute], search:
    LogQuerySearch
LogQueryGroupBy = facet!, limit: number, sort: LogQueryGroupBySort
LogQueryGroupBySort = aggregation!, facet, order!: WidgetSort
LogQuerySearch = query!
LogStream = +Shown, columns: [text], indexes: [text], logset, message_display: "expanded-lg/expanded-md/inline", query,
    show_date_column: bool, show_message_column: bool, sort: WidgetFieldSort, type!: "log_stream"
LogsQueryCompute = aggregation!, facet, interval: number
MonitorSummary = +Title, color_preference: "background/text", count: number, description, display_format:
    "counts/countsAndList/list", hide_zero_counts: bool, query!, show_last_triggered: bool, show_priority: bool, sort:
    "group/group,asc/group,desc/name/name,asc/name,desc/priority,asc/priority,desc/status/status,asc/status,desc/tags/tags,asc/tags,desc/triggered/triggered,asc/triggered,desc",
    start: number, summary_type: "combined/groups/monitors", type!: "manage_status"
Note = background_color, content!, font_size, has_padding: bool, show_tick: bool, text_align: WidgetTextAlign,
    tick_edge: "bottom/left/right/top", tick_pos, type!: "note", vertical_align: WidgetVerticalAlign
NumberFormatUnit = one of NumberFormatUnitCanonical | NumberFormatUnitCustom
NumberFormatUnitCanonical = per_unit_name, type: "canonical_unit", unit_name
NumberFormatUnitCustom = label, type: "custom_unit_label"
NumberFormatUnitScale = type: "canonical_unit", unit_name
PointPlot = +Graph, legend: PointPlotWidgetLegend, markers: [WidgetMarker], requests!: [PointPlotWidgetRequest], type!:
    "point_plot", yaxis: WidgetAxis
PointPlotProjection = dimensions!: [PointPlotProjectionDimension], extra_columns: [text], type!: "point_plot"
PointPlotProjectionDimension = alias, column!, dimension!: "group/radius/time/y"
PointPlotWidgetLegend = type!: "automatic/none"
PointPlotWidgetRequest = limit: number, projection!: PointPlotProjection, query!: DataProjectionQuery, request_type!:
    "data_projection"
Powerpack = background_color, banner_img, powerpack_id!, show_title: bool, template_variables:
    PowerpackTemplateVariables, title, type!: "powerpack"
PowerpackTemplateVariableContents = name!, prefix, values!: [text]
PowerpackTemplateVariables = controlled_by_powerpack: [PowerpackTemplateVariableContents], controlled_externally:
    [PowerpackTemplateVariableContents]
ProcessQuery = filter_by: [text], limit: number0.., metric!, search_by
ProductAnalyticsFunnel = type!: "funnel", ...
Queries = formulas: [WidgetFormula], queries: [FormulaQuery], response_format: FormulaResponseFormat
QueryValue = +Graph, autoscale: bool, custom_unit, precision: number, requests!: [QueryValueWidgetRequest]1..1,
    text_align: WidgetTextAlign, timeseries_background: TimeseriesBackground, type!: "query_value"
QueryValueWidgetComparison = directionality: "decrease_better/increase_better/neutral", duration!: ComparisonDuration,
    type: "absolute/both/relative"
QueryValueWidgetRequest = +Queries, +Search, aggregator: WidgetAggregator, audit_query: LogQuery, comparison:
    QueryValueWidgetComparison, conditional_formats: [WidgetConditionalFormat], event_query: LogQuery
RetentionCurve = type!: "retention_curve", ...
RunWorkflow = +Graph, inputs: [RunWorkflowWidgetInput], type!: "run_workflow", workflow_id!
RunWorkflowWidgetInput = name!, value!
SLO = +Title, additional_query_filters, description, global_time_target, show_error_budget: bool, slo_id, time_windows:
    ["30d/7d/90d/global_time/month_to_date/previous_month/previous_week/week_to_date"], type!: "slo", view_mode:
    "both/component/overall", view_type
SLOList = +Title, description, requests!: [SLOListWidgetRequest]1..1, type!: "slo_list"
SLOListWidgetQuery = limit: number1..100, query_string!, sort: [WidgetFieldSort]
SLOListWidgetRequest = query!: SLOListWidgetQuery, request_type!: "slo_list"
Sankey = type!: "sankey", ...
ScatterPlot = +Graph, color_by_groups: [text], requests!: ScatterPlotWidgetDefinitionRequests, type!: "scatterplot",
    xaxis: WidgetAxis, yaxis: WidgetAxis
ScatterPlotRequest = +Search, aggregator: "avg/last/max/min/sum", event_query: LogQuery
ScatterPlotWidgetDefinitionRequests = table: ScatterplotTableRequest, x: ScatterPlotRequest, y: ScatterPlotRequest
ScatterplotTableRequest = formulas: [ScatterplotWidgetFormula], queries: [FormulaQuery], response_format:
    FormulaResponseFormat
ScatterplotWidgetFormula = alias, dimension!: "color/radius/x/y", formula!
Search = apm_query: LogQuery, log_query: LogQuery, network_query: LogQuery, process_query: ProcessQuery,
    profile_metrics_query: LogQuery, q, rum_query: LogQuery, security_query: LogQuery
ServiceMap = +Title, custom_links: [WidgetCustomLink], description, filters!: [text]1.., service!, type!: "servicemap"
ServiceSummary = +Shown, display_format: "one_column/three_column/two_column", env!, service!, show_breakdown: bool,
    show_distribution: bool, show_errors: bool, show_hits: bool, show_latency: bool, show_resource_list: bool,
    size_format: "large/medium/small", span_name!, type!: "trace_service"
Shown = description, time: WidgetTime, +Title
SplitConfig = limit!: number1..500, sort!: SplitSort, split_dimensions!: [SplitDimension]1..1, static_splits:
    [[SplitVectorEntryItem]]..500
SplitConfigSortCompute = aggregation!, metric!
SplitDimension = one_graph_per!
SplitGraph = has_uniform_y_axes: bool, size!: "lg/md/sm/xs", source_widget_definition!: SplitGraphSource, split_config!:
    SplitConfig, time: WidgetTime, title, type!: "split_group"
SplitGraphSource = one of BarChart | Change | Geomap | QueryValue | ScatterPlot | Sunburst | Table | Timeseries |
    Toplist | TreeMap
SplitSort = compute: SplitConfigSortCompute, order!: WidgetSort
SplitVectorEntryItem = tag_key!, tag_values!: [text]
Sunburst = +Graph, hide_total: bool, legend: SunburstWidgetLegend, requests!: [SunburstWidgetRequest]1.., type!:
    "sunburst"
SunburstWidgetLegend = one of SunburstWidgetLegendTable | SunburstWidgetLegendInlineAutomatic
SunburstWidgetLegendInlineAutomatic = hide_percent: bool, hide_value: bool, type!: "automatic/inline"
SunburstWidgetLegendTable = type!: "none/table"
SunburstWidgetRequest = +Queries, +Search, audit_query: LogQuery, event_query: LogQuery, sort: WidgetSortBy, style:
    WidgetStyle
Table = +Graph, has_search_bar: "always/auto/never", requests!: [TableWidgetRequest], type!: "query_table"
TableWidgetRequest = +Queries, +Search, aggregator: WidgetAggregator, alias, apm_stats_query: ApmStatsQuery,
    cell_display_mode: [TableWidgetCellDisplayMode], conditional_formats: [WidgetConditionalFormat], event_query:
    LogQuery, limit: number, order: WidgetSort, sort: WidgetSortBy, text_formats: [[TableWidgetTextFormatRule]]
TableWidgetTextFormatMatch = type!: "contains/does_not_contain/ends_with/is/is_not/starts_with", value!
TableWidgetTextFormatReplace = one of TableWidgetTextFormatReplaceAll | TableWidgetTextFormatReplaceSubstring
TableWidgetTextFormatReplaceAll = type!: "all", with!
TableWidgetTextFormatReplaceSubstring = substring!, type!: "substring", with!
TableWidgetTextFormatRule = custom_bg_color, custom_fg_color, match!: TableWidgetTextFormatMatch, palette:
    TableWidgetTextFormatPalette, replace: TableWidgetTextFormatReplace
Timeseries = +Graph, events: [WidgetEvent], legend_columns: ["avg/max/min/sum/value"], legend_layout:
    "auto/horizontal/vertical", legend_size, markers: [WidgetMarker], requests!: [TimeseriesWidgetRequest]1..,
    right_yaxis: WidgetAxis, show_legend: bool, type!: "timeseries", yaxis: WidgetAxis
TimeseriesBackground = type!: "area/bars", yaxis: WidgetAxis
TimeseriesRequestStyle = has_value_labels: bool, line_type: WidgetLineType, line_width: WidgetLineWidth, order_by:
    WidgetStyleOrderBy, palette
TimeseriesWidgetExpressionAlias = alias_name, expression!
TimeseriesWidgetRequest = +Queries, +Search, audit_query: LogQuery, display_type: "area/bars/line/overlay", event_query:
    LogQuery, metadata: [TimeseriesWidgetExpressionAlias], on_right_yaxis: bool, style: TimeseriesRequestStyle
Title = title, title_align: WidgetTextAlign, title_size
Toplist = +Graph, requests!: [ToplistWidgetRequest], style: ToplistWidgetStyle, type!: "toplist"
ToplistWidgetDisplay = one of ToplistWidgetStacked | ToplistWidgetFlat
ToplistWidgetFlat = type!: "flat"
ToplistWidgetRequest = +Queries, +Search, audit_query: LogQuery, conditional_formats: [WidgetConditionalFormat]1..,
    event_query: LogQuery, sort: WidgetSortBy, style: WidgetRequestStyle
ToplistWidgetStacked = legend: "automatic/inline/none", type!: "stacked"
ToplistWidgetStyle = display: ToplistWidgetDisplay, palette, scaling: "absolute/relative"
TopologyMap = one of TopologyMapWidgetDefinitionDataStreams | TopologyMapWidgetDefinitionServiceMap
TopologyMapWidgetDefinitionDataStreams = +Graph, requests!: [TopologyRequestDataStreams]1.., type!: "topology_map", ...
TopologyMapWidgetDefinitionServiceMap = +Graph, requests!: [TopologyRequestServiceMap]1.., type!: "topology_map", ...
TopologyQueryDataStreams = data_source!: "data_streams", filters!: [text]1.., query_string, service!, ...
TopologyQueryServiceMap = data_source!: "service_map", filters!: [text]1.., query_string, service!, ...
TopologyRequestDataStreams = query: TopologyQueryDataStreams, request_type: "topology"
TopologyRequestServiceMap = query: TopologyQueryServiceMap, request_type: "topology"
TreeMap = color_by: "user", custom_links: [WidgetCustomLink], description, group_by: "family/process/user", requests!:
    [TreeMapWidgetRequest]1..1, size_by: "pct_cpu/pct_mem", time: WidgetTime, title, type!: "treemap"
TreeMapWidgetRequest = +Queries, q, sort: WidgetSortBy, style: WidgetRequestStyle
Widget = definition!: Definition, id: number, layout: WidgetLayout
WidgetAxis = include_zero: bool, label, max, min, scale
WidgetConditionalFormat = comparator!: "</<=/=/>/>=", custom_bg_color, custom_fg_color, hide_value: bool, image_url,
    metric, palette!: WidgetPalette, timeframe, value!: number
WidgetCustomLink = is_hidden: bool, label, link, override_label
WidgetEvent = q!, tags_execution
WidgetFieldSort = column!, order!: WidgetSort
WidgetFormula = alias, cell_display_mode: TableWidgetCellDisplayMode, cell_display_mode_options:
    WidgetFormulaCellDisplayModeOptions, conditional_formats: [WidgetConditionalFormat], formula!, limit:
    WidgetFormulaLimit, number_format: WidgetNumberFormat, style: WidgetFormulaStyle
WidgetFormulaCellDisplayModeOptions = trend_type: "area/bars/line", y_scale: "independent/shared"
WidgetFormulaLimit = count: number, order: QuerySortOrder
WidgetFormulaSort = index!: number0.., order!: WidgetSort, type!: "formula"
WidgetFormulaStyle = palette, palette_index: number
WidgetGroupSort = name!, order!: WidgetSort, type!: "group"
WidgetLayout = height!: number, is_column_break: bool, width!: number, x!: number, y!: number
WidgetLegacyLiveSpan = hide_incomplete_cost_data: bool, live_span:
    "10m/15m/1d/1h/1m/1mo/1w/1y/2d/30m/3mo/4h/5m/6mo/alert/month_to_date/week_to_date", ...
WidgetMarker = display_type, label, time, value!
WidgetNewFixedSpan = from!: number0.., hide_incomplete_cost_data: bool, to!: number0.., type!: "fixed"
WidgetNewLiveSpan = hide_incomplete_cost_data: bool, type!: "live", unit!: "day/hour/minute/month/week/year", value!:
    number1..
WidgetNumberFormat = unit: NumberFormatUnit, unit_scale: NumberFormatUnitScale
WidgetRequestStyle = line_type: WidgetLineType, line_width: WidgetLineWidth, order_by: WidgetStyleOrderBy, palette
WidgetSortBy = count: number0.., order_by: [WidgetSortOrderBy]
WidgetSortOrderBy = one of WidgetFormulaSort | WidgetGroupSort
WidgetStyle = palette
WidgetTime = one of WidgetLegacyLiveSpan | WidgetNewLiveSpan | WidgetNewFixedSpan
Wildcard = +Title, custom_links: [WidgetCustomLink], requests!: [WildcardWidgetRequest], specification!:
    WildcardWidgetSpecification, time: WidgetTime, type!: "wildcard"
WildcardWidgetRequest = one of TreeMapWidgetRequest | TimeseriesWidgetRequest | ListStreamWidgetRequest |
    DistributionWidgetRequest
WildcardWidgetSpecification = contents!: any, type!: "vega/vega-lite"
"""
