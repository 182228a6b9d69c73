# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What widgets consist of. Written by tests/widget_models.py from the models of datadog-api-client 2.62.0.

``MODELS``: a model is its fields with ``!`` after the name of one that is required, then its type, if it is not text.
A type is number, bool, any, ``[type]`` for a list, ``"value"`` for one value, the name of an enumeration or of a model,
or several with ``|``. After a number and a list stands from where to where it goes, or its length: ``1..6``, ``0..``.
Some models are one of several others. ``...`` allows any further field.
"""

from __future__ import annotations

ENUMERATIONS = """
ApmStatsQueryRowType = resource, service, span
BarChartWidgetLegend = automatic, inline, none
BarChartWidgetScaling = absolute, relative
ComparisonDurationType = custom_timeframe, previous_day, previous_month, previous_timeframe, previous_week
FormulaApmDependencyStatName = avg_duration, avg_root_duration, avg_spans_per_trace, error_rate, pct_exec_time,
    pct_of_traces, total_traces_count
FormulaApmMetricStatName = apdex, error_rate, errors, errors_per_second, hits, hits_per_second, latency_avg,
    latency_distribution, latency_max, latency_p50, latency_p75, latency_p90, latency_p95, latency_p99, latency_p999,
    total_time
FormulaApmMetricsSpanKind = client, consumer, internal, producer, server
FormulaApmResourceStatName = error_rate, errors, hits, latency_avg, latency_distribution, latency_max, latency_p50,
    latency_p75, latency_p90, latency_p95, latency_p99
FormulaEventAggregation = avg, cardinality, count, max, median, min, pc75, pc90, pc95, pc98, pc99, sum
FormulaEventsDataSource = audit, ci_pipelines, ci_tests, errors, events, incident_analytics, llm_observability, logs,
    network, on_call_events, product_analytics, profiles, rum, security_signals, spans
FormulaMetricAggregation = area, avg, l2norm, last, max, min, percentile, sum
FormulaMetricSemanticMode = combined, native
FormulaProcessQueryDataSource = container, process
FormulaResponseFormat = event_list, scalar, timeseries
FormulaSLOGroupMode = components, overall
FormulaSLOMeasure = bad_events, bad_minutes, burn_rate, error_budget_burndown, error_budget_remaining, good_events,
    good_minutes, slo_status
FormulaSLOQueryType = metric, monitor, time_slice
FunnelGroupedDisplay = side_by_side, stacked
HeatgridLabelColumnWidth = l, m, s, xl, xs
HeatgridSortAggregation = avg, max, min, sum
HeatgridSortOrder = asc, desc
HostMapWidgetDefinitionRequestType = data_projection, infrastructure_hostmap
HostMapWidgetDimension = fill, group, node, size
HostMapWidgetNodeType = cluster, container, host, pod
ListStreamColumnWidth = auto, compact, full
ListStreamComputeAggregation = avg, cardinality, count, earliest, latest, max, median, min, most_frequent, pc75, pc90,
    pc95, pc98, pc99, sum
ListStreamIssuePersona = all, backend, browser, mobile
ListStreamIssueState = ACKNOWLEDGED, IGNORED, OPEN, RESOLVED
ListStreamSource = apm_issue_stream, audit_stream, case_stream, ci_pipeline_stream, ci_test_stream, event_stream,
    incidents_stream, issue_stream, llm_observability_stream, logs_issue_stream, logs_pattern_stream, logs_stream,
    logs_transaction_stream, rum_issue_stream, rum_stream, security_runtime_stream, security_signals_stream,
    trace_stream
PointPlotDimension = group, radius, time, y
PointPlotWidgetLegendType = automatic, none
QuerySortOrder = asc, desc
QueryValueWidgetComparisonDirectionality = decrease_better, increase_better, neutral
QueryValueWidgetComparisonType = absolute, both, relative
ScatterplotDimension = color, radius, x, y
ScatterplotWidgetAggregator = avg, last, max, min, sum
SplitGraphVizSize = lg, md, sm, xs
SunburstWidgetLegendInlineAutomaticType = automatic, inline
SunburstWidgetLegendTableType = none, table
TableWidgetCellDisplayMode = bar, number, trend
TableWidgetHasSearchBar = always, auto, never
TableWidgetTextFormatMatchType = contains, does_not_contain, ends_with, is, is_not, starts_with
TableWidgetTextFormatPalette = black_on_light_green, black_on_light_red, black_on_light_yellow, custom_bg,
    custom_text, green_on_white, red_on_white, white_on_green, white_on_red, white_on_yellow, yellow_on_white
TimeseriesBackgroundType = area, bars
TimeseriesWidgetLegendColumn = avg, max, min, sum, value
TimeseriesWidgetLegendLayout = auto, horizontal, vertical
ToplistWidgetLegend = automatic, inline, none
ToplistWidgetScaling = absolute, relative
TreeMapGroupBy = family, process, user
TreeMapSizeBy = pct_cpu, pct_mem
WidgetAggregator = avg, last, max, min, percentile, sum
WidgetChangeType = absolute, relative
WidgetColorPreference = background, text
WidgetComparator = <, <=, =, >, >=
WidgetCompareTo = day_before, hour_before, month_before, week_before
WidgetDisplayType = area, bars, line, overlay
WidgetEventSize = l, s
WidgetFormulaCellDisplayModeOptionsTrendType = area, bars, line
WidgetFormulaCellDisplayModeOptionsYScale = independent, shared
WidgetGrouping = check, cluster
WidgetHorizontalAlign = center, left, right
WidgetImageSizing = center, contain, cover, fill, fit, none, scale-down, zoom
WidgetLineType = dashed, dotted, solid
WidgetLineWidth = normal, thick, thin
WidgetLiveSpan = 10m, 15m, 1d, 1h, 1m, 1mo, 1w, 1y, 2d, 30m, 3mo, 4h, 5m, 6mo, alert, month_to_date, week_to_date
WidgetLiveSpanUnit = day, hour, minute, month, week, year
WidgetMargin = large, lg, md, sm, small
WidgetMessageDisplay = expanded-lg, expanded-md, inline
WidgetMonitorSummaryDisplayFormat = counts, countsAndList, list
WidgetMonitorSummarySort = group, group,asc, group,desc, name, name,asc, name,desc, priority,asc, priority,desc,
    status, status,asc, status,desc, tags, tags,asc, tags,desc, triggered, triggered,asc, triggered,desc
WidgetNodeType = container, host
WidgetOrderBy = change, name, past, present
WidgetPalette = black_on_light_green, black_on_light_red, black_on_light_yellow, blue, custom_bg, custom_image,
    custom_text, gray_on_white, green, green_on_white, grey, orange, red, red_on_white, white_on_gray, white_on_green,
    white_on_red, white_on_yellow, yellow_on_white
WidgetServiceSummaryDisplayFormat = one_column, three_column, two_column
WidgetSizeFormat = large, medium, small
WidgetSort = asc, desc
WidgetStyleOrderBy = tags, values
WidgetSummaryType = combined, groups, monitors
WidgetTextAlign = center, left, right
WidgetTickEdge = bottom, left, right, top
WidgetTimeWindows = 30d, 7d, 90d, global_time, month_to_date, previous_month, previous_week, week_to_date
WidgetVerticalAlign = bottom, center, top
WidgetViewMode = both, component, overall
WidgetVizType = timeseries, toplist
WildcardWidgetSpecificationType = vega, vega-lite
"""

MODELS = """
AlertGraph = alert_id!, description, time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!:
    "alert_graph", viz_type!: WidgetVizType
AlertValue = alert_id!, description, precision: number, text_align: WidgetTextAlign, title, title_align:
    WidgetTextAlign, title_size, type!: "alert_value", unit
ApmStatsQueryColumnType = alias, cell_display_mode: TableWidgetCellDisplayMode, name!, order: WidgetSort
ApmStatsQueryDefinition = columns: [ApmStatsQueryColumnType], env!, name!, primary_tag!, resource, row_type!:
    ApmStatsQueryRowType, service!
BarChart = custom_links: [WidgetCustomLink], description, requests!: [BarChartWidgetRequest]1..1, style:
    BarChartWidgetStyle, time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!: "bar_chart"
BarChartWidgetDisplay = one of BarChartWidgetStacked | BarChartWidgetFlat
BarChartWidgetFlat = type!: "flat"
BarChartWidgetRequest = apm_query: LogQueryDefinition, audit_query: LogQueryDefinition, conditional_formats:
    [WidgetConditionalFormat], event_query: LogQueryDefinition, formulas: [WidgetFormula], log_query:
    LogQueryDefinition, network_query: LogQueryDefinition, process_query: ProcessQueryDefinition,
    profile_metrics_query: LogQueryDefinition, q, queries: [FormulaQueryDefinition], response_format:
    FormulaResponseFormat, rum_query: LogQueryDefinition, security_query: LogQueryDefinition, sort: WidgetSortBy,
    style: WidgetRequestStyle
BarChartWidgetStacked = legend: BarChartWidgetLegend, type!: "stacked"
BarChartWidgetStyle = display: BarChartWidgetDisplay, palette, scaling: BarChartWidgetScaling
Change = custom_links: [WidgetCustomLink], description, requests!: [ChangeWidgetRequest]1..1, time: WidgetTime, title,
    title_align: WidgetTextAlign, title_size, type!: "change"
ChangeWidgetRequest = apm_query: LogQueryDefinition, change_type: WidgetChangeType, compare_to: WidgetCompareTo,
    event_query: LogQueryDefinition, formulas: [WidgetFormula], increase_good: bool, log_query: LogQueryDefinition,
    network_query: LogQueryDefinition, order_by: WidgetOrderBy, order_dir: WidgetSort, process_query:
    ProcessQueryDefinition, profile_metrics_query: LogQueryDefinition, q, queries: [FormulaQueryDefinition],
    response_format: FormulaResponseFormat, rum_query: LogQueryDefinition, security_query: LogQueryDefinition,
    show_present: bool
CheckStatus = check!, description, group, group_by: [text], grouping!: WidgetGrouping, tags: [text], time: WidgetTime,
    title, title_align: WidgetTextAlign, title_size, type!: "check_status"
Cohort = type!: "cohort", ...
ComparisonCustomTimeframe = from!: number, to!: number
ComparisonDuration = custom_timeframe: ComparisonCustomTimeframe, type!: ComparisonDurationType
DashboardTemplateVariable = available_values: [text], default, defaults: [text], name!, prefix, type
DashboardTemplateVariablePreset = name, template_variables: [DashboardTemplateVariablePresetValue]
DashboardTemplateVariablePresetValue = name, value, values: [text]1..
DataProjectionQuery = data_source!, indexes: [text], query_string!, storage
DatasetListQuery = data_source!: "dataset", dataset_id!, dataset_provider!: "ddsql_query", filter, limit: number,
    sort: DatasetListQuerySort
DatasetListQuerySort = fields!: [DatasetListQuerySortField]
DatasetListQuerySortField = name!, order!: QuerySortOrder
Definition = one of AlertGraph | AlertValue | BarChart | Change | CheckStatus | Cohort | Distribution | EmbeddedApp |
    EventStream | EventTimeline | FreeText | Funnel | ProductAnalyticsFunnel | Geomap | Group | Heatgrid | HeatMap |
    HostMap | IFrame | Image | ListStream | LogStream | MonitorSummary | Note | Powerpack | PointPlot | QueryValue |
    RetentionCurve | RunWorkflow | SLOList | SLO | ScatterPlot | Sankey | ServiceMap | ServiceSummary | SplitGraph |
    Sunburst | Table | Timeseries | Toplist | TopologyMap | TreeMap | Wildcard
Distribution = custom_links: [WidgetCustomLink], description, legend_size, markers: [WidgetMarker], requests!:
    [DistributionWidgetRequest]1..1, show_legend: bool, time: WidgetTime, title, title_align: WidgetTextAlign,
    title_size, type!: "distribution", xaxis: DistributionWidgetXAxis, yaxis: DistributionWidgetYAxis
DistributionWidgetHistogramRequestQuery = one of FormulaMetricQueryDefinition | FormulaEventQueryDefinition |
    FormulaApmResourceStatsQueryDefinition | FormulaApmMetricsQueryDefinition
DistributionWidgetRequest = apm_query: LogQueryDefinition, apm_stats_query: ApmStatsQueryDefinition, event_query:
    LogQueryDefinition, formulas: [WidgetFormula], log_query: LogQueryDefinition, network_query: LogQueryDefinition,
    process_query: ProcessQueryDefinition, profile_metrics_query: LogQueryDefinition, q, queries:
    [FormulaQueryDefinition], query: DistributionWidgetHistogramRequestQuery, request_type: "histogram",
    response_format: FormulaResponseFormat, rum_query: LogQueryDefinition, security_query: LogQueryDefinition, style:
    WidgetStyle
DistributionWidgetXAxis = include_zero: bool, max, min, num_buckets: number1.., scale
DistributionWidgetYAxis = include_zero: bool, label, max, min, scale
EmbeddedApp = app_id, custom_links: [WidgetCustomLink], description, inputs: [EmbeddedAppWidgetInput], template_id,
    time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!: "embedded_app", ...
EmbeddedAppWidgetInput = name!, value!: bool | any | number | text, ...
EventQueryDefinition = search!, tags_execution!
EventStream = description, event_size: WidgetEventSize, query!, tags_execution, time: WidgetTime, title, title_align:
    WidgetTextAlign, title_size, type!: "event_stream"
EventTimeline = description, query!, tags_execution, time: WidgetTime, title, title_align: WidgetTextAlign,
    title_size, type!: "event_timeline"
FormulaApmDependencyStatsQueryDefinition = cross_org_uuids: [text]..1, data_source!: "apm_dependency_stats", env!,
    is_upstream: bool, name!, operation_name!, primary_tag_name, primary_tag_value, resource_name!, service!, stat!:
    FormulaApmDependencyStatName
FormulaApmMetricsQueryDefinition = data_source!: "apm_metrics", group_by: [text], name!, operation_mode,
    operation_name, peer_tags: [text], query_filter, resource_hash, resource_name, service, span_kind:
    FormulaApmMetricsSpanKind, stat!: FormulaApmMetricStatName
FormulaApmResourceStatsQueryDefinition = cross_org_uuids: [text]..1, data_source!: "apm_resource_stats", env!,
    group_by: [text], name!, operation_name, primary_tag_name, primary_tag_value, resource_name, service!, stat!:
    FormulaApmResourceStatName
FormulaCloudCostQueryDefinition = aggregator: WidgetAggregator, cross_org_uuids: [text]..1, data_source!:
    "cloud_cost", name!, query!
FormulaEventQueryDefinition = compute!: FormulaEventQueryDefinitionCompute, cross_org_uuids: [text]..1, data_source!:
    FormulaEventsDataSource, group_by: FormulaEventQueryGroupByConfig, indexes: [text], name!, search:
    FormulaEventQueryDefinitionSearch, storage
FormulaEventQueryDefinitionCompute = aggregation!: FormulaEventAggregation, interval: number, metric
FormulaEventQueryDefinitionSearch = query!
FormulaEventQueryGroupBy = facet!, limit: number, sort: FormulaEventQueryGroupBySort
FormulaEventQueryGroupByConfig = one of [FormulaEventQueryGroupBy] | FormulaEventQueryGroupByFields
FormulaEventQueryGroupByFields = fields!: [text], limit: number, sort: FormulaEventQueryGroupBySort
FormulaEventQueryGroupBySort = aggregation!: FormulaEventAggregation, metric, order: QuerySortOrder
FormulaMetricQueryDefinition = aggregator: FormulaMetricAggregation, cross_org_uuids: [text]..1, data_source!:
    "metrics", name!, query!, semantic_mode: FormulaMetricSemanticMode
FormulaProcessQueryDefinition = aggregator: FormulaMetricAggregation, cross_org_uuids: [text]..1, data_source!:
    FormulaProcessQueryDataSource, is_normalized_cpu: bool, limit: number, metric!, name!, sort: QuerySortOrder,
    tag_filters: [text], text_filter
FormulaProductAnalyticsExtendedQueryDefinition = data_source!: "product_analytics_extended", ...
FormulaQueryDefinition = one of FormulaMetricQueryDefinition | FormulaEventQueryDefinition |
    FormulaProcessQueryDefinition | FormulaApmDependencyStatsQueryDefinition | FormulaApmResourceStatsQueryDefinition
    | FormulaApmMetricsQueryDefinition | FormulaSLOQueryDefinition | FormulaCloudCostQueryDefinition |
    FormulaProductAnalyticsExtendedQueryDefinition | FormulaUserJourneyQueryDefinition |
    FormulaRetentionQueryDefinition
FormulaRetentionQueryDefinition = data_source!: "product_analytics_retention", ...
FormulaSLOQueryDefinition = additional_query_filters, cross_org_uuids: [text]..1, data_source!: "slo", group_mode:
    FormulaSLOGroupMode, measure!: FormulaSLOMeasure, name, slo_id!, slo_query_type: FormulaSLOQueryType
FormulaUserJourneyQueryDefinition = data_source!: "product_analytics_journey", ...
FreeText = background_color, color, font_size, text!, text_align: WidgetTextAlign, type!: "free_text"
Funnel = description, grouped_display: FunnelGroupedDisplay, requests!: [FunnelWidgetRequest]1.., time: WidgetTime,
    title, title_align: WidgetTextAlign, title_size, type!: "funnel"
FunnelQuery = data_source!: "rum", query_string!, steps!: [FunnelStep]
FunnelStep = facet!, value!
FunnelWidgetRequest = query!: FunnelQuery, request_type!: "funnel"
Geomap = custom_links: [WidgetCustomLink], description, requests!: [GeomapWidgetRequest]1..2, style!:
    GeomapWidgetDefinitionStyle, time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!: "geomap",
    view!: GeomapWidgetDefinitionView
GeomapWidgetDefinitionStyle = palette!, palette_flip!: bool
GeomapWidgetDefinitionView = focus!
GeomapWidgetRequest = columns: [ListStreamColumn], conditional_formats: [WidgetConditionalFormat], formulas:
    [WidgetFormula], log_query: LogQueryDefinition, q, queries: [FormulaQueryDefinition], query: ListStreamQuery,
    response_format: FormulaResponseFormat, rum_query: LogQueryDefinition, security_query: LogQueryDefinition, sort:
    WidgetSortBy, style: GeomapWidgetRequestStyle, text_formats: [TableWidgetTextFormatRule]
GeomapWidgetRequestStyle = color_by
Group = background_color, banner_img, layout_type!: "ordered", show_title: bool, title, title_align: WidgetTextAlign,
    type!: "group", widgets!: [Widget]
HeatMap = custom_links: [WidgetCustomLink], description, events: [WidgetEvent], legend_size, markers: [WidgetMarker],
    requests!: [HeatMapWidgetRequest]1..1, show_legend: bool, time: WidgetTime, title, title_align: WidgetTextAlign,
    title_size, type!: "heatmap", xaxis: HeatMapWidgetXAxis, yaxis: WidgetAxis
HeatMapWidgetRequest = apm_query: LogQueryDefinition, event_query: EventQueryDefinition, formulas: [WidgetFormula],
    log_query: LogQueryDefinition, network_query: LogQueryDefinition, process_query: ProcessQueryDefinition,
    profile_metrics_query: LogQueryDefinition, q, queries: [FormulaQueryDefinition], query:
    FormulaMetricQueryDefinition, request_type: "histogram", response_format: FormulaResponseFormat, rum_query:
    LogQueryDefinition, security_query: LogQueryDefinition, style: WidgetStyle
HeatMapWidgetXAxis = num_buckets: number
Heatgrid = color: HeatgridColorConfig, custom_links: [WidgetCustomLink], description, label_column:
    HeatgridLabelColumn, legend: HeatgridLegend, requests!: [HeatgridWidgetRequest]1.., sort!: HeatgridSort, time:
    WidgetTime, title, title_align: WidgetTextAlign, title_size, type!: "heatgrid", ...
HeatgridColor = one of text | [text]
HeatgridColorBin = color!: HeatgridColor, lower_bound: number, ...
HeatgridColorConfig = one of HeatgridGradientCustomColor | HeatgridGradientPresetColor | HeatgridDiscreteCustomColor |
    HeatgridDiscretePresetColor
HeatgridColorStop = color!: HeatgridColor, position!: number0..100, ...
HeatgridDiscreteCustomColor = bins!: [HeatgridColorBin]2..6, mode!: "discrete", source!: "custom", ...
HeatgridDiscretePresetColor = mode!: "discrete", preset_name!, source!: "preset", ...
HeatgridGradientCustomColor = mode!: "gradient", source!: "custom", stops!: [HeatgridColorStop]2..6, ...
HeatgridGradientPresetColor = mode!: "gradient", preset_name!, source!: "preset", ...
HeatgridLabelColumn = width!: HeatgridLabelColumnWidth, ...
HeatgridLegend = show_caption: bool, ...
HeatgridSort = nesting_display!: "flat", sort_by!: HeatgridSortBy, ...
HeatgridSortBy = one of HeatgridSortByValue | HeatgridSortByLabel
HeatgridSortByLabel = order!: HeatgridSortOrder, property!: "label", ...
HeatgridSortByValue = aggregation!: HeatgridSortAggregation, order!: HeatgridSortOrder, property!: "value", ...
HeatgridWidgetFormula = alias, conditional_formats: [WidgetConditionalFormat], formula!, limit: WidgetFormulaLimit,
    number_format: WidgetNumberFormat, style: WidgetFormulaStyle, ...
HeatgridWidgetRequest = formulas: [HeatgridWidgetFormula], queries!: [FormulaQueryDefinition], response_format!:
    "timeseries", ...
HostMap = custom_links: [WidgetCustomLink], description, group: [text], no_group_hosts: bool, no_metric_hosts: bool,
    node_type: WidgetNodeType, notes, requests!: HostMapWidgetDefinitionRequests, scope: [text], style:
    HostMapWidgetDefinitionStyle, title, title_align: WidgetTextAlign, title_size, type!: "hostmap"
HostMapRequest = apm_query: LogQueryDefinition, event_query: LogQueryDefinition, log_query: LogQueryDefinition,
    network_query: LogQueryDefinition, process_query: ProcessQueryDefinition, profile_metrics_query:
    LogQueryDefinition, q, rum_query: LogQueryDefinition, security_query: LogQueryDefinition
HostMapWidgetDefinitionRequests = child: HostMapWidgetInfrastructureRequest, conditional_formats:
    [WidgetConditionalFormat], enrichments: [HostMapWidgetScalarRequest], fill: HostMapRequest, filter, group_by:
    [HostMapWidgetGroupBy], limit: number, no_group_hosts: bool, no_metric_hosts: bool, node_type:
    HostMapWidgetNodeType, projection: HostMapWidgetProjection, query: DatasetListQuery, request_type:
    HostMapWidgetDefinitionRequestType, size: HostMapRequest, style: HostMapWidgetInfrastructureStyle
HostMapWidgetDefinitionStyle = fill_max, fill_min, palette, palette_flip: bool
HostMapWidgetFormula = alias, dimension!: HostMapWidgetDimension, formula!, number_format: WidgetNumberFormat
HostMapWidgetGroupBy = column!, key
HostMapWidgetInfrastructureRequest = child: HostMapWidgetInfrastructureRequestLeaf, conditional_formats:
    [WidgetConditionalFormat], enrichments!: [HostMapWidgetScalarRequest], filter, group_by: [HostMapWidgetGroupBy],
    no_group_hosts: bool, no_metric_hosts: bool, node_type!: HostMapWidgetNodeType, request_type!:
    "infrastructure_hostmap", style: HostMapWidgetInfrastructureStyle
HostMapWidgetInfrastructureRequestLeaf = conditional_formats: [WidgetConditionalFormat], enrichments!:
    [HostMapWidgetScalarRequest], filter, group_by: [HostMapWidgetGroupBy], no_group_hosts: bool, no_metric_hosts:
    bool, node_type!: HostMapWidgetNodeType, request_type!: "infrastructure_hostmap", style:
    HostMapWidgetInfrastructureStyle
HostMapWidgetInfrastructureStyle = fill_max: number, fill_min: number, palette, palette_flip: bool
HostMapWidgetProjection = dimensions!: [HostMapWidgetProjectionDimensionMapping], type!: "hostmap"
HostMapWidgetProjectionDimensionMapping = alias, column!, dimension!: HostMapWidgetDimension, number_format:
    WidgetNumberFormat
HostMapWidgetScalarRequest = formulas!: [HostMapWidgetFormula], queries!: [FormulaQueryDefinition], response_format!:
    "scalar"
IFrame = type!: "iframe", url!
Image = has_background: bool, has_border: bool, horizontal_align: WidgetHorizontalAlign, margin: WidgetMargin, sizing:
    WidgetImageSizing, type!: "image", url!, url_dark_theme, vertical_align: WidgetVerticalAlign
ListStream = description, legend_size, requests!: [ListStreamWidgetRequest]1..1, show_legend: bool, time: WidgetTime,
    title, title_align: WidgetTextAlign, title_size, type!: "list_stream"
ListStreamColumn = field!, width!: ListStreamColumnWidth
ListStreamComputeItems = aggregation!: ListStreamComputeAggregation, facet
ListStreamGroupByItems = facet!
ListStreamQuery = assignee_uuids: [text], clustering_pattern_field_path, compute: [ListStreamComputeItems]1..5,
    data_source!: ListStreamSource, event_size: WidgetEventSize, group_by: [ListStreamGroupByItems]..4, indexes:
    [text], persona: ListStreamIssuePersona, query_string!, sort: WidgetFieldSort, states: [ListStreamIssueState],
    storage, suspected_causes: [text], team_handles: [text], version: "sequential_query"
ListStreamWidgetRequest = columns!: [ListStreamColumn], query!: ListStreamQuery, response_format!: "event_list"
LogQueryDefinition = compute: LogsQueryCompute, group_by: [LogQueryDefinitionGroupBy], index, multi_compute:
    [LogsQueryCompute], search: LogQueryDefinitionSearch
LogQueryDefinitionGroupBy = facet!, limit: number, sort: LogQueryDefinitionGroupBySort
LogQueryDefinitionGroupBySort = aggregation!, facet, order!: WidgetSort
LogQueryDefinitionSearch = query!
LogStream = columns: [text], description, indexes: [text], logset, message_display: WidgetMessageDisplay, query,
    show_date_column: bool, show_message_column: bool, sort: WidgetFieldSort, time: WidgetTime, title, title_align:
    WidgetTextAlign, title_size, type!: "log_stream"
LogsQueryCompute = aggregation!, facet, interval: number
MonitorSummary = color_preference: WidgetColorPreference, count: number, description, display_format:
    WidgetMonitorSummaryDisplayFormat, hide_zero_counts: bool, query!, show_last_triggered: bool, show_priority: bool,
    sort: WidgetMonitorSummarySort, start: number, summary_type: WidgetSummaryType, title, title_align:
    WidgetTextAlign, title_size, type!: "manage_status"
Note = background_color, content!, font_size, has_padding: bool, show_tick: bool, text_align: WidgetTextAlign,
    tick_edge: WidgetTickEdge, tick_pos, type!: "note", vertical_align: WidgetVerticalAlign
NumberFormatUnit = one of NumberFormatUnitCanonical | NumberFormatUnitCustom
NumberFormatUnitCanonical = per_unit_name, type: "canonical_unit", unit_name
NumberFormatUnitCustom = label, type: "custom_unit_label"
NumberFormatUnitScale = type: "canonical_unit", unit_name
PointPlot = custom_links: [WidgetCustomLink], description, legend: PointPlotWidgetLegend, markers: [WidgetMarker],
    requests!: [PointPlotWidgetRequest], time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!:
    "point_plot", yaxis: WidgetAxis
PointPlotProjection = dimensions!: [PointPlotProjectionDimension], extra_columns: [text], type!: "point_plot"
PointPlotProjectionDimension = alias, column!, dimension!: PointPlotDimension
PointPlotWidgetLegend = type!: PointPlotWidgetLegendType
PointPlotWidgetRequest = limit: number, projection!: PointPlotProjection, query!: DataProjectionQuery, request_type!:
    "data_projection"
Powerpack = background_color, banner_img, powerpack_id!, show_title: bool, template_variables:
    PowerpackTemplateVariables, title, type!: "powerpack"
PowerpackTemplateVariableContents = name!, prefix, values!: [text]
PowerpackTemplateVariables = controlled_by_powerpack: [PowerpackTemplateVariableContents], controlled_externally:
    [PowerpackTemplateVariableContents]
ProcessQueryDefinition = filter_by: [text], limit: number0.., metric!, search_by
ProductAnalyticsFunnel = type!: "funnel", ...
QueryValue = autoscale: bool, custom_links: [WidgetCustomLink], custom_unit, description, precision: number,
    requests!: [QueryValueWidgetRequest]1..1, text_align: WidgetTextAlign, time: WidgetTime, timeseries_background:
    TimeseriesBackground, title, title_align: WidgetTextAlign, title_size, type!: "query_value"
QueryValueWidgetComparison = directionality: QueryValueWidgetComparisonDirectionality, duration!: ComparisonDuration,
    type: QueryValueWidgetComparisonType
QueryValueWidgetRequest = aggregator: WidgetAggregator, apm_query: LogQueryDefinition, audit_query:
    LogQueryDefinition, comparison: QueryValueWidgetComparison, conditional_formats: [WidgetConditionalFormat],
    event_query: LogQueryDefinition, formulas: [WidgetFormula], log_query: LogQueryDefinition, network_query:
    LogQueryDefinition, process_query: ProcessQueryDefinition, profile_metrics_query: LogQueryDefinition, q, queries:
    [FormulaQueryDefinition], response_format: FormulaResponseFormat, rum_query: LogQueryDefinition, security_query:
    LogQueryDefinition
RetentionCurve = type!: "retention_curve", ...
RunWorkflow = custom_links: [WidgetCustomLink], description, inputs: [RunWorkflowWidgetInput], time: WidgetTime,
    title, title_align: WidgetTextAlign, title_size, type!: "run_workflow", workflow_id!
RunWorkflowWidgetInput = name!, value!
SLO = additional_query_filters, description, global_time_target, show_error_budget: bool, slo_id, time_windows:
    [WidgetTimeWindows], title, title_align: WidgetTextAlign, title_size, type!: "slo", view_mode: WidgetViewMode,
    view_type
SLOList = description, requests!: [SLOListWidgetRequest]1..1, title, title_align: WidgetTextAlign, title_size, type!:
    "slo_list"
SLOListWidgetQuery = limit: number1..100, query_string!, sort: [WidgetFieldSort]
SLOListWidgetRequest = query!: SLOListWidgetQuery, request_type!: "slo_list"
Sankey = type!: "sankey", ...
ScatterPlot = color_by_groups: [text], custom_links: [WidgetCustomLink], description, requests!:
    ScatterPlotWidgetDefinitionRequests, time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!:
    "scatterplot", xaxis: WidgetAxis, yaxis: WidgetAxis
ScatterPlotRequest = aggregator: ScatterplotWidgetAggregator, apm_query: LogQueryDefinition, event_query:
    LogQueryDefinition, log_query: LogQueryDefinition, network_query: LogQueryDefinition, process_query:
    ProcessQueryDefinition, profile_metrics_query: LogQueryDefinition, q, rum_query: LogQueryDefinition,
    security_query: LogQueryDefinition
ScatterPlotWidgetDefinitionRequests = table: ScatterplotTableRequest, x: ScatterPlotRequest, y: ScatterPlotRequest
ScatterplotTableRequest = formulas: [ScatterplotWidgetFormula], queries: [FormulaQueryDefinition], response_format:
    FormulaResponseFormat
ScatterplotWidgetFormula = alias, dimension!: ScatterplotDimension, formula!
ServiceMap = custom_links: [WidgetCustomLink], description, filters!: [text]1.., service!, title, title_align:
    WidgetTextAlign, title_size, type!: "servicemap"
ServiceSummary = description, display_format: WidgetServiceSummaryDisplayFormat, env!, service!, show_breakdown: bool,
    show_distribution: bool, show_errors: bool, show_hits: bool, show_latency: bool, show_resource_list: bool,
    size_format: WidgetSizeFormat, span_name!, time: WidgetTime, title, title_align: WidgetTextAlign, title_size,
    type!: "trace_service"
SplitConfig = limit!: number1..500, sort!: SplitSort, split_dimensions!: [SplitDimension]1..1, static_splits:
    [[SplitVectorEntryItem]]..500
SplitConfigSortCompute = aggregation!, metric!
SplitDimension = one_graph_per!
SplitGraph = has_uniform_y_axes: bool, size!: SplitGraphVizSize, source_widget_definition!: SplitGraphSource,
    split_config!: SplitConfig, time: WidgetTime, title, type!: "split_group"
SplitGraphSource = one of BarChart | Change | Geomap | QueryValue | ScatterPlot | Sunburst | Table | Timeseries |
    Toplist | TreeMap
SplitSort = compute: SplitConfigSortCompute, order!: WidgetSort
SplitVectorEntryItem = tag_key!, tag_values!: [text]
Sunburst = custom_links: [WidgetCustomLink], description, hide_total: bool, legend: SunburstWidgetLegend, requests!:
    [SunburstWidgetRequest]1.., time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!: "sunburst"
SunburstWidgetLegend = one of SunburstWidgetLegendTable | SunburstWidgetLegendInlineAutomatic
SunburstWidgetLegendInlineAutomatic = hide_percent: bool, hide_value: bool, type!:
    SunburstWidgetLegendInlineAutomaticType
SunburstWidgetLegendTable = type!: SunburstWidgetLegendTableType
SunburstWidgetRequest = apm_query: LogQueryDefinition, audit_query: LogQueryDefinition, event_query:
    LogQueryDefinition, formulas: [WidgetFormula], log_query: LogQueryDefinition, network_query: LogQueryDefinition,
    process_query: ProcessQueryDefinition, profile_metrics_query: LogQueryDefinition, q, queries:
    [FormulaQueryDefinition], response_format: FormulaResponseFormat, rum_query: LogQueryDefinition, security_query:
    LogQueryDefinition, sort: WidgetSortBy, style: WidgetStyle
Table = custom_links: [WidgetCustomLink], description, has_search_bar: TableWidgetHasSearchBar, requests!:
    [TableWidgetRequest], time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!: "query_table"
TableWidgetRequest = aggregator: WidgetAggregator, alias, apm_query: LogQueryDefinition, apm_stats_query:
    ApmStatsQueryDefinition, cell_display_mode: [TableWidgetCellDisplayMode], conditional_formats:
    [WidgetConditionalFormat], event_query: LogQueryDefinition, formulas: [WidgetFormula], limit: number, log_query:
    LogQueryDefinition, network_query: LogQueryDefinition, order: WidgetSort, process_query: ProcessQueryDefinition,
    profile_metrics_query: LogQueryDefinition, q, queries: [FormulaQueryDefinition], response_format:
    FormulaResponseFormat, rum_query: LogQueryDefinition, security_query: LogQueryDefinition, sort: WidgetSortBy,
    text_formats: [[TableWidgetTextFormatRule]]
TableWidgetTextFormatMatch = type!: TableWidgetTextFormatMatchType, value!
TableWidgetTextFormatReplace = one of TableWidgetTextFormatReplaceAll | TableWidgetTextFormatReplaceSubstring
TableWidgetTextFormatReplaceAll = type!: "all", with!
TableWidgetTextFormatReplaceSubstring = substring!, type!: "substring", with!
TableWidgetTextFormatRule = custom_bg_color, custom_fg_color, match!: TableWidgetTextFormatMatch, palette:
    TableWidgetTextFormatPalette, replace: TableWidgetTextFormatReplace
Timeseries = custom_links: [WidgetCustomLink], description, events: [WidgetEvent], legend_columns:
    [TimeseriesWidgetLegendColumn], legend_layout: TimeseriesWidgetLegendLayout, legend_size, markers: [WidgetMarker],
    requests!: [TimeseriesWidgetRequest]1.., right_yaxis: WidgetAxis, show_legend: bool, time: WidgetTime, title,
    title_align: WidgetTextAlign, title_size, type!: "timeseries", yaxis: WidgetAxis
TimeseriesBackground = type!: TimeseriesBackgroundType, yaxis: WidgetAxis
TimeseriesRequestStyle = has_value_labels: bool, line_type: WidgetLineType, line_width: WidgetLineWidth, order_by:
    WidgetStyleOrderBy, palette
TimeseriesWidgetExpressionAlias = alias_name, expression!
TimeseriesWidgetRequest = apm_query: LogQueryDefinition, audit_query: LogQueryDefinition, display_type:
    WidgetDisplayType, event_query: LogQueryDefinition, formulas: [WidgetFormula], log_query: LogQueryDefinition,
    metadata: [TimeseriesWidgetExpressionAlias], network_query: LogQueryDefinition, on_right_yaxis: bool,
    process_query: ProcessQueryDefinition, profile_metrics_query: LogQueryDefinition, q, queries:
    [FormulaQueryDefinition], response_format: FormulaResponseFormat, rum_query: LogQueryDefinition, security_query:
    LogQueryDefinition, style: TimeseriesRequestStyle
Toplist = custom_links: [WidgetCustomLink], description, requests!: [ToplistWidgetRequest], style: ToplistWidgetStyle,
    time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!: "toplist"
ToplistWidgetDisplay = one of ToplistWidgetStacked | ToplistWidgetFlat
ToplistWidgetFlat = type!: "flat"
ToplistWidgetRequest = apm_query: LogQueryDefinition, audit_query: LogQueryDefinition, conditional_formats:
    [WidgetConditionalFormat]1.., event_query: LogQueryDefinition, formulas: [WidgetFormula], log_query:
    LogQueryDefinition, network_query: LogQueryDefinition, process_query: ProcessQueryDefinition,
    profile_metrics_query: LogQueryDefinition, q, queries: [FormulaQueryDefinition], response_format:
    FormulaResponseFormat, rum_query: LogQueryDefinition, security_query: LogQueryDefinition, sort: WidgetSortBy,
    style: WidgetRequestStyle
ToplistWidgetStacked = legend: ToplistWidgetLegend, type!: "stacked"
ToplistWidgetStyle = display: ToplistWidgetDisplay, palette, scaling: ToplistWidgetScaling
TopologyMap = one of TopologyMapWidgetDefinitionDataStreams | TopologyMapWidgetDefinitionServiceMap
TopologyMapWidgetDefinitionDataStreams = custom_links: [WidgetCustomLink], description, requests!:
    [TopologyRequestDataStreams]1.., time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!:
    "topology_map", ...
TopologyMapWidgetDefinitionServiceMap = custom_links: [WidgetCustomLink], description, requests!:
    [TopologyRequestServiceMap]1.., time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!:
    "topology_map", ...
TopologyQueryDataStreams = data_source!: "data_streams", filters!: [text]1.., query_string, service!, ...
TopologyQueryServiceMap = data_source!: "service_map", filters!: [text]1.., query_string, service!, ...
TopologyRequestDataStreams = query: TopologyQueryDataStreams, request_type: "topology"
TopologyRequestServiceMap = query: TopologyQueryServiceMap, request_type: "topology"
TreeMap = color_by: "user", custom_links: [WidgetCustomLink], description, group_by: TreeMapGroupBy, requests!:
    [TreeMapWidgetRequest]1..1, size_by: TreeMapSizeBy, time: WidgetTime, title, type!: "treemap"
TreeMapWidgetRequest = formulas: [WidgetFormula], q, queries: [FormulaQueryDefinition], response_format:
    FormulaResponseFormat, sort: WidgetSortBy, style: WidgetRequestStyle
Widget = definition!: Definition, id: number, layout: WidgetLayout
WidgetAxis = include_zero: bool, label, max, min, scale
WidgetConditionalFormat = comparator!: WidgetComparator, custom_bg_color, custom_fg_color, hide_value: bool,
    image_url, metric, palette!: WidgetPalette, timeframe, value!: number
WidgetCustomLink = is_hidden: bool, label, link, override_label
WidgetEvent = q!, tags_execution
WidgetFieldSort = column!, order!: WidgetSort
WidgetFormula = alias, cell_display_mode: TableWidgetCellDisplayMode, cell_display_mode_options:
    WidgetFormulaCellDisplayModeOptions, conditional_formats: [WidgetConditionalFormat], formula!, limit:
    WidgetFormulaLimit, number_format: WidgetNumberFormat, style: WidgetFormulaStyle
WidgetFormulaCellDisplayModeOptions = trend_type: WidgetFormulaCellDisplayModeOptionsTrendType, y_scale:
    WidgetFormulaCellDisplayModeOptionsYScale
WidgetFormulaLimit = count: number, order: QuerySortOrder
WidgetFormulaSort = index!: number0.., order!: WidgetSort, type!: "formula"
WidgetFormulaStyle = palette, palette_index: number
WidgetGroupSort = name!, order!: WidgetSort, type!: "group"
WidgetLayout = height!: number, is_column_break: bool, width!: number, x!: number, y!: number
WidgetLegacyLiveSpan = hide_incomplete_cost_data: bool, live_span: WidgetLiveSpan, ...
WidgetMarker = display_type, label, time, value!
WidgetNewFixedSpan = from!: number0.., hide_incomplete_cost_data: bool, to!: number0.., type!: "fixed"
WidgetNewLiveSpan = hide_incomplete_cost_data: bool, type!: "live", unit!: WidgetLiveSpanUnit, value!: number1..
WidgetNumberFormat = unit: NumberFormatUnit, unit_scale: NumberFormatUnitScale
WidgetRequestStyle = line_type: WidgetLineType, line_width: WidgetLineWidth, order_by: WidgetStyleOrderBy, palette
WidgetSortBy = count: number0.., order_by: [WidgetSortOrderBy]
WidgetSortOrderBy = one of WidgetFormulaSort | WidgetGroupSort
WidgetStyle = palette
WidgetTime = one of WidgetLegacyLiveSpan | WidgetNewLiveSpan | WidgetNewFixedSpan
Wildcard = custom_links: [WidgetCustomLink], requests!: [WildcardWidgetRequest], specification!:
    WildcardWidgetSpecification, time: WidgetTime, title, title_align: WidgetTextAlign, title_size, type!: "wildcard"
WildcardWidgetRequest = one of TreeMapWidgetRequest | TimeseriesWidgetRequest | ListStreamWidgetRequest |
    DistributionWidgetRequest
WildcardWidgetSpecification = contents!: any, type!: WildcardWidgetSpecificationType
"""
